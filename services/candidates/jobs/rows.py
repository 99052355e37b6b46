from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray


def blocks(costs: NDArray[np.integer], most: int) -> Iterator[slice]:
    """Cuts rows into stretches of one or more that cost at most `most` together: memory is bounded."""
    total = np.concatenate([[0], np.cumsum(costs, dtype=np.int64)])
    begin = 0
    while begin < len(costs):
        end = max(begin + 1, int(np.searchsorted(total, total[begin] + most, side="right")) - 1)
        yield slice(begin, end)
        begin = end


# Rows of small arrays that are put together to large ones: a small one costs as much again as what is in it.
_PACKED: Final = 10_000

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Rows:
    """The best of each item: row i has the stretch starts[i] to starts[i + 1], the best first.

    `columns` are places of items, `supports` the distinct users behind each.
    """

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    scores: NDArray[np.float32]
    supports: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.columns)


@dataclass(slots=True)
class RowsBuilder:
    """Collects rows in order, each cut to its `per_row` best scores above 0; equal ones go by column."""

    per_row: int
    _lengths: list[int] = field(default_factory=list)
    _columns: "_Column[np.int32]" = field(default_factory=lambda: _Column(np.int32))
    _scores: "_Column[np.float32]" = field(default_factory=lambda: _Column(np.float32))
    _supports: "_Column[np.uint32]" = field(default_factory=lambda: _Column(np.uint32))

    def add(self, columns: NDArray[np.integer], scores: NDArray[np.floating], supports: NDArray[np.number]) -> None:
        """Adds the next row; its columns are distinct."""
        kept = np.flatnonzero(scores > 0)
        if len(kept) > self.per_row:
            # All that equal the last one stay until the column decides among them.
            floor = np.partition(scores[kept], -self.per_row)[-self.per_row]
            kept = kept[scores[kept] >= floor]
        kept = kept[np.lexsort((columns[kept], -scores[kept]))[: self.per_row]]
        self._lengths.append(len(kept))
        self._columns.add(columns[kept])
        self._scores.add(scores[kept])
        self._supports.add(supports[kept])

    def build(self) -> Rows:
        """Returns all rows; the builder is empty then."""
        starts = np.concatenate([[0], np.cumsum(self._lengths, dtype=np.int64)])
        self._lengths = []
        return Rows(starts, self._columns.take(), self._scores.take(), self._supports.take())


class _Column(Generic[Number]):
    """A column that grows by small arrays."""

    def __init__(self, dtype: type[Number]) -> None:
        self._dtype = dtype
        self._large: list[NDArray[Number]] = []
        self._small: list[NDArray[Number]] = []

    def add(self, values: NDArray[np.number]) -> None:
        self._small.append(values.astype(self._dtype))
        if len(self._small) >= _PACKED:
            self._pack()

    def take(self) -> NDArray[Number]:
        self._pack()
        large, self._large = self._large, []
        return np.concatenate(large)

    def _pack(self) -> None:
        self._large.append(np.concatenate([np.zeros(0, self._dtype), *self._small]))
        self._small = []
