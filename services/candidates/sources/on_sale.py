from typing import ClassVar, Final

import numpy as np

from services.candidates.proposals import Proposals, best
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.candidates.statistics.item_statistics import popularity_at

_LOOKED_AT: Final = 10


class OnSale:
    """Items that cost less than their list price.

    score(j) = (½ + reduction of j) × (1 + 2 × taste for j's categories) × (1 + ½ ln(1 + j's decayed events)), the
    reduction being a part of the list price, over the most popular reduced items.
    """

    name: ClassVar[str] = "on_sale"
    quota: ClassVar[int] = 50
    weight: ClassVar[float] = 0.4

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return ""

    def applies(self, query: Query) -> bool:  # offers are for everyone
        return True

    async def propose(self, query: Query, quota: int) -> Proposals:
        lists, columns = self._inputs.top_lists, self._inputs.columns
        item_nos = query.eligibility.first_admitted(lists.on_sale, _LOOKED_AT * quota)
        item_nos = item_nos[columns.discounts[item_nos] > 0]  # no longer reduced, and the list not made anew yet
        taste = query.taste.of(columns.category_nos[item_nos])
        popularity = popularity_at(lists.logs[item_nos], query.query_millis)
        scores = (0.5 + columns.discounts[item_nos]) * (1 + 2 * taste) * (1 + 0.5 * np.log1p(popularity))
        return best(item_nos, scores, quota)
