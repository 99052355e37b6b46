import csv
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Any, Self

from cli.errors import CommandError, ExitCode
from cli.importer.faults import Fault

COLUMNS = ("kind", "file", "line", "field", "value", "reason", "remedy")


class Rejects:
    """The rejects file: a CSV with a line for everything that is wrong with a row. It is there only if there is
    something to say; one of an import before is removed.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: IO[str] | None = None
        self._writer: Any = None
        # Files are read in one thread and answers are taken in another.
        self._lock = Lock()

    def add(self, kind: str, file: Path, fault: Fault) -> None:
        """Writes down what is wrong with a row."""
        with self._lock:
            if self._file is None:
                self._file = self._open()
                self._writer = csv.writer(self._file)
                self._writer.writerow(COLUMNS)
            self._writer.writerow((kind, file, *fault))
            self.count += 1

    def _open(self) -> IO[str]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.path.open("w", encoding="utf-8", newline="")

    def __enter__(self) -> Self:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise CommandError(
                f"the rejects file {self.path} cannot be written: {error.strerror}; say another with --rejects",
                ExitCode.USAGE,
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
