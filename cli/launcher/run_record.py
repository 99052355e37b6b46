import json
from dataclasses import asdict, dataclass
from pathlib import Path

from services.common.atomic_files import write_atomically


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A process that was started: what is written to `<state>/run/<name>.json`.

    Args:
        name: the process's name.
        pid: its process id.
        start_ticks: the kernel's own start time of that pid. A pid is reused; pid and start time together are not.
        port: the port it listens on.
    """

    name: str
    pid: int
    start_ticks: int
    port: int

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether that very process still runs (a zombie does not)."""
        return start_ticks_of(self.pid) == self.start_ticks

    @property
    def resident_bytes(self) -> int:
        """Memory in use, bytes; 0: it runs no longer."""
        try:
            fields = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return 0
        for line in fields.splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def write(self, directory: Path) -> None:
        """Writes the record, whole or not at all."""
        write_atomically(directory / f"{self.name}.json", json.dumps(asdict(self)).encode())

    @staticmethod
    def read(directory: Path, name: str) -> "RunRecord | None":
        """The record of that name; None: there is none that can be read."""
        try:
            return RunRecord(**json.loads((directory / f"{name}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def start_ticks_of(pid: int) -> int | None:
    """The kernel's start time of a running process, in clock ticks since boot; None: it does not run."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The command's name stands in parentheses and may itself hold spaces and parentheses: count from the last one.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])
