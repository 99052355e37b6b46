from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.catalog.item_mask import ItemMask
from services.common.sorted_lookup import contained, distinct
from vitrine.common.v1.item_filter_pb2 import ItemFilter


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Which items this request may be answered with. A source asks about the few that it would propose.

    `mask` is stock, price, visibility and the request's `item_filter`; `excluded_item_nos` is sorted.
    Minimum age is left to the page, which knows the visitor's age.
    """

    columns: ItemColumns
    mask: ItemMask
    excluded_item_nos: NDArray[np.uint32]
    query_millis: int
    filtered: bool = False
    item_filter: ItemFilter = field(default_factory=ItemFilter)

    def admits(self, item_nos: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Returns for each item whether it may be proposed: eligible, filter passed, window open, not excluded."""
        admitted = self.mask.passes(item_nos)
        rows = np.where(admitted, item_nos, 0)
        windowed = np.flatnonzero(self.columns.windowed[rows])  # most items have no window
        if len(windowed):
            until = self.columns.available_until[rows[windowed]]
            admitted[windowed] &= self.columns.available_from[rows[windowed]] <= self.query_millis
            admitted[windowed] &= (until == 0) | (until > self.query_millis)
        if len(self.excluded_item_nos):
            admitted &= ~contained(item_nos, self.excluded_item_nos)
        return admitted

    def without(self, item_nos: NDArray[np.uint32]) -> "Eligibility":
        """Returns the same, with these items excluded too."""
        return replace(self, excluded_item_nos=distinct(np.concatenate([self.excluded_item_nos, item_nos])))

    def first_admitted(self, ranking: NDArray[np.integer], count: int) -> NDArray[np.integer]:
        """Returns the first `count` items of a ranking that may be proposed, reading no further than it must."""
        taken: list[NDArray[np.integer]] = []
        missing, start, stride = count, 0, max(64, 2 * count)
        while missing > 0 and start < len(ranking):
            part = ranking[start : start + stride]
            admitted = part[self.admits(part)][:missing]
            taken.append(admitted)
            missing -= len(admitted)
            start += stride
            stride *= 2
        return np.concatenate(taken) if taken else ranking[:0]
