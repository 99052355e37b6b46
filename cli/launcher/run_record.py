import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from services.common.atomic_files import write_atomically

_SAME_START_SECONDS: Final = 0.5
"""Start times of one process as read at two times differ by less: rounding."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A process that was started: what is written to `<state>/run/<name>.json`.

    Args:
        name: the process's name.
        pid: its process id.
        start_seconds: when the process started, in seconds since boot. A pid is reused; pid and start time together
            aren't.
        port: the port it listens on.
    """

    name: str
    pid: int
    start_seconds: float
    port: int

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether that very process still runs (a zombie doesn't)."""
        started = start_seconds_of(self.pid)
        return started is not None and abs(started - self.start_seconds) < _SAME_START_SECONDS

    @property
    def resident_bytes(self) -> int:
        """Memory in use, bytes; 0 if it no longer runs."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def write(self, directory: Path) -> None:
        """Writes the record, whole or not at all."""
        write_atomically(directory / f"{self.name}.json", json.dumps(asdict(self)).encode())

    @staticmethod
    def read(directory: Path, name: str) -> "RunRecord | None":
        """Returns the record of that name, or None if there is none that can be read."""
        try:
            return RunRecord(**json.loads((directory / f"{name}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def start_seconds_of(pid: int) -> float | None:
    """Returns when a running process started, in seconds since boot, or None if it doesn't run.

    Counted from boot, it stays the same when somebody sets the clock.
    """
    try:
        process = psutil.Process(pid)
        if process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
            return None
        return process.create_time() - psutil.boot_time()
    except psutil.Error:
        return None
