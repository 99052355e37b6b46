from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class FileSummary:
    """What became of one file.

    Args:
        kind: "items", "users" or "events".
        file: the file.
        form: how it was read, such as "CSV, utf-8, delimiter ','".
        rows: rows that were read.
        sent: rows that the services answered for.
        outcomes: rows by what became of them: created, updated, unchanged, outdated; stored, known (events that were
            stored before).
        rejected: rows that were rejected.
        reasons: what was wrong with them, by reason; a row may have several.
        duplicates: rows that came more than once in the file and count once.
        missing: values that are missing, by field.
        unmapped: columns that were taken for nothing.
        seconds: how long it took.
    """

    kind: str
    file: Path
    form: str = ""
    rows: int = 0
    sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    unmapped: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def rows_per_second(self) -> float:
        """How fast it went."""
        return self.rows / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON values."""
        return {
            "kind": self.kind,
            "file": str(self.file),
            "form": self.form,
            "rows": self.rows,
            "sent": self.sent,
            "outcomes": dict(self.outcomes),
            "rejected": self.rejected,
            "reasons": dict(self.reasons),
            "duplicates": self.duplicates,
            "missing": dict(self.missing),
            "unmapped": list(self.unmapped),
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.rows_per_second, 1),
        }


@dataclass(slots=True)
class ImportSummary:
    """What became of an import.

    Args:
        files: what became of each file.
        rejects: the rejects file; None: no row was rejected.
        dry_run: nothing was sent.
        seconds: how long all of it took.
    """

    files: list[FileSummary] = field(default_factory=list)
    rejects: Path | None = None
    dry_run: bool = False
    seconds: float = 0.0

    @property
    def rejected(self) -> int:
        """Rows that were rejected."""
        return sum(file.rejected for file in self.files)

    def of(self, kind: str) -> list[FileSummary]:
        """What became of the files of a kind."""
        return [file for file in self.files if file.kind == kind]

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON values."""
        files = [file.to_dict() for file in self.files]
        return {
            "dry_run": self.dry_run,
            "rejected": self.rejected,
            "rejects_file": str(self.rejects) if self.rejects else None,
            "seconds": round(self.seconds, 3),
            "files": files,
        }
