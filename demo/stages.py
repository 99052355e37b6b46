"""The demo's stages: which are done already, and how long each takes."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from cli.figures import Figures
from services.common.atomic_files import write_atomically

REFERENCE_ECHO = 4_000.0
"""`echo.throughput` of the machine that the demo's goals are for, calls a second."""


class Stages:
    """What a demo has done already, so that the next run continues from there. A stage is done for a fingerprint of
    what it was made from; with another fingerprint it's done again.

    Args:
        file: where that is kept.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def done(self, stage: str, fingerprint: str) -> bool:
        """Whether the stage was done from that."""
        return self.fingerprint(stage) == fingerprint

    def fingerprint(self, stage: str) -> str:
        """What the stage was last done from; empty: it wasn't."""
        return str(self._read().get(stage, ""))

    def mark(self, stage: str, fingerprint: str) -> None:
        """Keeps in mind that the stage is done, for good once this returns."""
        write_atomically(self._file, json.dumps({**self._read(), stage: fingerprint}, indent=2).encode())

    def _read(self) -> dict[str, str]:
        try:
            stages = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stages if isinstance(stages, dict) else {}


def fingerprint_of(*parts: str, files: Sequence[Path] = ()) -> str:
    """A short digest of texts and of files' contents."""
    digest = hashlib.blake2b(digest_size=8)
    for part in (*(text.encode() for text in parts), *(file.read_bytes() for file in files)):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


class StageTimes:
    """What each stage of a run takes. If the console is no terminal, a line says when a stage begins and ends.

    Args:
        console: where the lines go.
        setup_seconds: what `make` took before the demo ran.
    """

    def __init__(self, console: Console, setup_seconds: float) -> None:
        self._console = console
        self._seconds = {"setup": setup_seconds}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times a stage, which may have several parts."""
        begin = time.perf_counter()
        self._say(f"--- {name} begins")
        try:
            yield
        finally:
            seconds = time.perf_counter() - begin
            self.add({name: seconds})
            self._say(f"--- {name} ends after {seconds:.1f} s")

    def add(self, seconds: Mapping[str, float]) -> None:
        """Adds what stages took that were timed elsewhere."""
        for name, value in seconds.items():
            self._seconds[name] = self._seconds.get(name, 0.0) + value

    def print(self, figures: Figures, echo: float) -> None:
        """Prints `demo.stage.<name>` for each stage, in seconds, and what it would be at the reference's `echo`."""
        for name, seconds in self._seconds.items():
            say_seconds(figures, f"demo.stage.{name}", seconds, echo)

    def _say(self, line: str) -> None:
        if not self._console.is_terminal:
            self._console.print(line)


def say_seconds(figures: Figures, name: str, seconds: float, echo: float) -> None:
    """Prints a time, and as `…_echo` the same × echo / REFERENCE_ECHO: by it machines can be compared."""
    figures.say(name, seconds, "s")
    figures.say(f"{name}_echo", seconds * echo / REFERENCE_ECHO, "s")
