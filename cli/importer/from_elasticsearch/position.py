import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from services.common.atomic_files import write_atomically


@dataclass(slots=True)
class SlicePosition:
    """How far one slice of an index has been copied, in the order of its documents' sequence numbers.

    Args:
        seq_no: the last number that was copied.
        last: index and id of the documents that have this number and were copied: each shard counts for itself.
    """

    seq_no: int = -1
    last: list[list[str]] = field(default_factory=list)

    def has(self, hit: Mapping[str, Any]) -> bool:
        """Whether a document of the next page is in the copy already."""
        return hit["sort"][0] == self.seq_no and _identity(hit) in self.last

    def after(self, hits: Sequence[Mapping[str, Any]]) -> "SlicePosition":
        """The position when these, too, are copied."""
        if not hits:
            return self
        seq_no = int(hits[-1]["sort"][0])
        last = [_identity(hit) for hit in hits if hit["sort"][0] == seq_no]
        return SlicePosition(seq_no, [*self.last, *last] if seq_no == self.seq_no else last)


@dataclass(slots=True)
class Position:
    """How far a copy is. It is true of the file's first `size` bytes: what comes after them was cut short.

    Args:
        indexes: what was copied: the identity of each index by its name.
        slices: how far each slice is.
        rows: documents in the copy.
        size: bytes of the copy.
    """

    indexes: dict[str, str]
    slices: list[SlicePosition]
    rows: int = 0
    size: int = 0

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The position that a file tells; None: there is none that can be read."""
        try:
            told = json.loads(path.read_bytes())
            return cls(**{**told, "slices": [SlicePosition(**of_slice) for of_slice in told["slices"]]})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, path: Path) -> None:
        """Writes it down; whoever reads finds the old or the new one."""
        write_atomically(path, json.dumps(asdict(self)).encode())


def _identity(hit: Mapping[str, Any]) -> list[str]:
    return [str(hit["_index"]), str(hit["_id"])]
