from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.arrays import capacity_for, grown
from services.candidates.vectors.row_filter import RowItems
from services.candidates.vectors.vector_index import VectorIndex, vector_index
from services.candidates.vectors.vector_search import VectorSearch
from services.common.direction import units

_SMALLEST_MERGE: Final = 500
_MERGE_SHARE: Final = 0.02


@dataclass(frozen=True, slots=True)
class VectorMerge:
    """The rows that an index is to be made of; they are written no more, so another thread may make it."""

    directions: NDArray[np.float16]
    rows: NDArray[np.int64]
    end: int

    def run(self) -> tuple["VectorMerge", NDArray[np.float16], VectorIndex | None]:
        """Returns this, the directions that go on, with room for more, and their index."""
        count = len(self.rows)
        kept = np.zeros((capacity_for(count), self.directions.shape[1]), np.float16)
        np.take(self.directions, self.rows, axis=0, out=kept[:count])
        return self, kept, vector_index(kept[:count]) if count else None


class VectorBlock:
    """The items' vectors of one name and one length, as directions by row.

    Rows are only added: an item whose vector changes has a new row, the former one stands for no item any more and goes
    with the next merge. Those added since the last merge are few and searched one by one, the others by an index.
    """

    def __init__(self, dimensions: int) -> None:
        capacity = capacity_for(0)
        self.dimensions = dimensions
        self.version = -1
        self._directions: NDArray[np.float16] = np.zeros((capacity, dimensions), np.float16)
        self._item_nos: NDArray[np.uint32] = np.zeros(capacity, np.uint32)
        self._places: NDArray[np.uint32] = np.zeros(capacity, np.uint32)  # by item_no: its row + 1; 0: it has none
        self._end = 0
        self._indexed = 0
        self._gone = 0
        self._gone_at_merge = 0
        self._index: VectorIndex | None = None
        self._row_items = RowItems(self._item_nos[:0])
        self._show()

    def __len__(self) -> int:
        return self._end - self._gone

    def __contains__(self, item_no: int) -> bool:
        return self._place(item_no) > 0

    def put(self, item_no: int, direction: NDArray[np.float16]) -> None:
        """Adds or changes an item's vector; found after `refresh`. The same again costs nothing."""
        place = self._place(item_no)
        if place and np.array_equal(self._directions[place - 1], direction):
            return
        self.remove(item_no)
        if self._end == len(self._item_nos):
            self._item_nos = grown(self._item_nos, capacity_for(self._end))
            self._directions = grown(self._directions, capacity_for(self._end))
        if item_no >= len(self._places):
            self._places = grown(self._places, capacity_for(item_no))
        self._item_nos[self._end] = item_no
        self._directions[self._end] = direction
        self._end += 1
        self._places[item_no] = self._end

    def remove(self, item_no: int) -> None:
        """Takes an item's vector out."""
        if place := self._place(item_no):
            self._item_nos[place - 1] = 0
            if place <= self._indexed:
                self._row_items.forget(place - 1)
            self._places[item_no] = 0
            self._gone += 1

    def refresh(self) -> None:
        """Makes what was put since the last time findable; costs as much as was added since the last merge."""
        if self._end != len(self.search.item_nos):
            self._show()

    def units_of(self, item_nos: NDArray[np.uint32]) -> NDArray[np.float32]:
        """Returns float32[items, d]: the vectors at length 1; zeros for an item that has none."""
        known = item_nos < len(self._places)
        places = self._places[np.where(known, item_nos, 0)].astype(np.int64)
        directions = self._directions[np.maximum(places, 1) - 1]
        directions[places == 0] = 0
        return units(directions)

    @property
    def wants_merge(self) -> bool:
        """Enough has changed for a merge."""
        changed = self._end - self._indexed + self._gone - self._gone_at_merge
        return changed >= max(_SMALLEST_MERGE, _MERGE_SHARE * self._indexed)

    def begin_merge(self) -> VectorMerge:
        """Returns a merge of all that is there, to be run anywhere and handed to `finish_merge`. One at a time."""
        return VectorMerge(self._directions, np.flatnonzero(self._item_nos[: self._end]), self._end)

    def finish_merge(self, merge: VectorMerge, directions: NDArray[np.float16], index: VectorIndex | None) -> None:
        """Puts what was merged in place, before what has been added since the merge began."""
        kept, added = self._item_nos[merge.rows], slice(merge.end, self._end)
        self._indexed, self._end = len(kept), len(kept) + self._end - merge.end
        item_nos = np.concatenate([kept, self._item_nos[added]])
        if self._end > len(directions):
            directions = grown(directions, capacity_for(self._end))
        directions[self._indexed : self._end] = self._directions[added]
        self._directions, self._item_nos = directions, grown(item_nos, len(directions))
        rows = np.flatnonzero(item_nos)
        self._places = np.zeros_like(self._places)  # a search may be reading the former ones
        self._places[item_nos[rows]] = rows + 1
        self._row_items = RowItems(kept)
        self._gone = self._gone_at_merge = len(item_nos) - len(rows)
        self._index = index
        self._show()

    def _show(self) -> None:
        recent = units(self._directions[self._indexed : self._end])
        self.search = VectorSearch(self._item_nos[: self._end], self._index, self._row_items, recent, self._places)
        self.version += 1

    def _place(self, item_no: int) -> int:
        return int(self._places[item_no]) if item_no < len(self._places) else 0
