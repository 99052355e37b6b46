from typing import ClassVar

import numpy as np

from services.candidates.proposals import Proposals, best
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.candidates.statistics.item_statistics import popularity_at

_CATEGORIES = 6
_TASTE = 2.0


class Popular:
    """What everyone takes now: of the whole shop and of the categories that the visitor likes best.

    score(j) = (1 + decayed events of j by strength, half-life 7 days) × (1 + 2 × taste for j's categories). Items that
    nobody has taken yet come last, the newest first, so that a shop without events has a page too.
    """

    name: ClassVar[str] = "popular"
    quota: ClassVar[int] = 100
    weight: ClassVar[float] = 0.7

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return ""

    def applies(self, query: Query) -> bool:  # popular with everyone is for everyone
        return True

    async def propose(self, query: Query, quota: int) -> Proposals:
        lists, columns, eligibility = self._inputs.top_lists, self._inputs.columns, query.eligibility
        leaves = [int(number) for number in query.taste.favorites if int(number) in lists.leaf_categories][:_CATEGORIES]
        of_all = eligibility.first_admitted(lists.popular, quota)
        half = -(-quota // 2)
        each = -(-(quota - half) // max(1, len(leaves)))
        of_leaves = [eligibility.first_admitted(lists.of_category[leaf], each) for leaf in leaves]
        # Half from the whole shop, half from the categories, and from the whole shop again where that is too few. The
        # lists' order, which decides among equals, outlives the removal of those that are in two.
        together = np.concatenate([of_all[:half], *of_leaves, of_all[half:]])
        item_nos = together[np.sort(np.unique(together, return_index=True)[1])[:quota]]
        popularity = popularity_at(lists.logs[item_nos], query.query_millis)
        scores = (1.0 + popularity) * (1.0 + _TASTE * query.taste.of(columns.category_nos[item_nos]))
        return best(item_nos, scores, quota)
