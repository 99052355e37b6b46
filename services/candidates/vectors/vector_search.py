from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from services.candidates.eligibility import Eligibility
from services.candidates.vectors.row_filter import RowFilter, RowItems
from services.candidates.vectors.vector_index import VectorIndex


@dataclass(frozen=True, slots=True)
class VectorSearch:
    """The items whose vectors point most where another one does. Nothing here is replaced, so any thread may search.

    `item_nos` uint32[n + recent] by row, 0 for one that changed or went; the first n are in the index, with their items
    once more in `row_items`; the `recent` float32[recent, d] are scored one by one. `places` uint32 by item_no is the
    item's row + 1; 0: it has none.
    """

    item_nos: NDArray[np.uint32]
    index: VectorIndex | None
    row_items: RowItems
    recent: NDArray[np.float32]
    places: NDArray[np.uint32]

    def nearest(self, vector: NDArray[np.float32], count: int, eligibility: Eligibility) -> NDArray[np.uint32]:
        """Returns up to `count` items of the index, and as many of the recent ones, that may be answered with."""
        indexed = len(self.item_nos) - len(self.recent)
        recent = self.item_nos[indexed:]
        fit = np.flatnonzero(eligibility.admits(recent))
        if len(fit) > count:
            fit = fit[np.argpartition(-(self.recent @ vector)[fit], count)[:count]]
        return np.concatenate([self._indexed(vector, count, eligibility, self.item_nos[:indexed]), recent[fit]])

    def _indexed(
        self, vector: NDArray[np.float32], count: int, eligibility: Eligibility, item_nos: NDArray[np.uint32]
    ) -> NDArray[np.uint32]:
        if self.index is None:
            return item_nos[:0]
        faiss.omp_set_num_threads(1)  # as in `vector_index`; it belongs to the calling thread
        # Most items may be answered with: twice the count nearly always holds enough, and is found without a filter.
        if not eligibility.filtered:
            found = item_nos[self.index.search(vector, 2 * count, None)[0]]
            found = found[eligibility.admits(found)][:count]
            if len(found) == min(count, len(item_nos)):
                return found
        allowed = RowFilter(self.row_items, eligibility, self._indexed_rows)
        found = item_nos[self.index.search(vector, 2 * count, allowed)[0]]
        return found[eligibility.admits(found)][:count]

    def _indexed_rows(self, item_nos: NDArray[np.uint32]) -> NDArray[np.int64]:
        item_nos = item_nos[item_nos < len(self.places)]
        rows = self.places[item_nos].astype(np.int64) - 1
        indexed = (rows >= 0) & (rows < len(self.item_nos) - len(self.recent))
        item_nos, rows = item_nos[indexed], rows[indexed]
        current: NDArray[np.int64] = rows[self.item_nos[rows] == item_nos]
        return current
