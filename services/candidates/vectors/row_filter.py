from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from services.candidates.eligibility import Eligibility
from services.common.sorted_lookup import contained

_SAMPLE: Final = 1_000


class RowItems:
    """The item of each row of a vector index, by number; 0: the row no longer stands for an item."""

    def __init__(self, item_nos: NDArray[np.uint32]) -> None:
        self.vector = faiss.Int64Vector()
        self.vector.resize(len(item_nos))
        # The vector's own memory, which faiss reads during a search.
        self._item_nos: NDArray[np.int64] = (
            faiss.rev_swig_ptr(self.vector.data(), len(item_nos)) if len(item_nos) else np.zeros(0, np.int64)
        )
        self._item_nos[:] = item_nos
        self.sample = np.unique(np.linspace(0, len(item_nos) - 1, _SAMPLE, dtype=np.int64)) if len(item_nos) else None

    def forget(self, row: int) -> None:
        """Lets a row stand for no item any more: item 0 is never eligible."""
        self._item_nos[row] = 0

    def share(self, eligibility: Eligibility) -> float:
        """Returns about which part of the rows passes, from a sample of them."""
        if self.sample is None:
            return 0.0
        return float(eligibility.mask.passes(self._item_nos[self.sample]).mean())


@dataclass(frozen=True, slots=True)
class RowFilter:
    """The rows of a vector index that a search may return: those whose items pass, except for availability windows.

    Nothing in it is as long as the catalog: the rows' items and the mask's bits are read where they lie. `rows_of`
    returns the rows of those of some items that have one; `superseded` uint8[rows / 8] are bits of rows to leave out.
    """

    items: RowItems
    eligibility: Eligibility
    rows_of: Callable[[NDArray[np.uint32]], NDArray[np.integer]]
    superseded: NDArray[np.uint8] | None = None

    @property
    def share(self) -> float:
        """About which part of the rows passes, 0 to 1."""
        return self.items.share(self.eligibility)

    def rows(self) -> NDArray[np.int64]:
        """Returns the rows that pass: for a filter that few items pass."""
        item_nos = np.flatnonzero(self.eligibility.mask.allowed).astype(np.uint32)
        item_nos = item_nos[~contained(item_nos, self.eligibility.excluded_item_nos)]
        rows = self.rows_of(item_nos).astype(np.int64)
        if self.superseded is not None:
            rows = rows[(self.superseded[rows >> 3] >> (rows & 7).astype(np.uint8)) & 1 == 0]
        return rows

    def selector(self) -> Any:
        """Returns what faiss asks about each row it looks at."""
        library: Any = faiss  # its stubs don't know what its wrappers accept
        of_items = self.items.vector
        passing = library.IDSelectorTranslated(of_items, library.IDSelectorBitmap(self.eligibility.mask.bits))
        if len(excluded := self.eligibility.excluded_item_nos):
            batch = library.IDSelectorTranslated(of_items, library.IDSelectorBatch(excluded))
            passing = library.IDSelectorAnd(passing, library.IDSelectorNot(batch))
        if self.superseded is not None:
            older = library.IDSelectorBitmap(self.superseded)
            passing = library.IDSelectorAnd(passing, library.IDSelectorNot(older))
        return passing
