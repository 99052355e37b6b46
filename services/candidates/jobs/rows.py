from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rows:
    """The best of each item: row i has the stretch starts[i] to starts[i + 1], the best first.

    `columns` are places of items, `supports` the distinct users behind each.
    """

    starts: NDArray[np.int64]
    columns: NDArray[np.int64]
    scores: NDArray[np.float32]
    supports: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.columns)


@dataclass(slots=True)
class RowsBuilder:
    """Collects rows in order, each cut to its `per_row` best scores above 0; equal ones go by column."""

    per_row: int
    _lengths: list[int] = field(default_factory=list)
    _columns: list[NDArray[np.int64]] = field(default_factory=list)
    _scores: list[NDArray[np.float32]] = field(default_factory=list)
    _supports: list[NDArray[np.uint32]] = field(default_factory=list)

    def add(self, columns: NDArray[np.integer], scores: NDArray[np.floating], supports: NDArray[np.number]) -> None:
        """Adds the next row; its columns are distinct."""
        kept = np.flatnonzero(scores > 0)
        if len(kept) > self.per_row:
            # All that equal the last one stay until the column decides among them.
            floor = np.partition(scores[kept], -self.per_row)[-self.per_row]
            kept = kept[scores[kept] >= floor]
        kept = kept[np.lexsort((columns[kept], -scores[kept]))[: self.per_row]]
        self._lengths.append(len(kept))
        self._columns.append(columns[kept].astype(np.int64))
        self._scores.append(scores[kept].astype(np.float32))
        self._supports.append(supports[kept].astype(np.uint32))

    def build(self) -> Rows:
        """Returns all rows."""
        starts = np.concatenate([[0], np.cumsum(self._lengths, dtype=np.int64)])
        if not self._lengths:
            return Rows(starts, np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.uint32))
        return Rows(starts, np.concatenate(self._columns), np.concatenate(self._scores), np.concatenate(self._supports))
