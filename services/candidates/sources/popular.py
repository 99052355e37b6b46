from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from services.candidates.proposals import Proposals, best
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.candidates.statistics.item_statistics import popularity_at
from services.common.sorted_lookup import grouped, values_of

_CATEGORIES = 6
_TASTE = 2.0
_GREATEST_LIFT = 4.0


class Popular:
    """What everyone takes now: of the whole shop, of the categories that the visitor likes best, and of the visitor's
    groups (region, age band, gender, …).

    score(j) = (1 + decayed events of j by strength, half-life 7 days) × (1 + 2 × taste for j's categories) × the mean
    over the visitor's groups g of min(lift(g, j), 4), taken as 1 where nothing is known of g and j. Items that nobody
    has taken yet come last, the newest first, so that a shop without events has a page too.
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
        grouped, lifts, rankings = self._groups(query)
        parts = [*(lists.of_category[leaf] for leaf in leaves), *rankings]
        of_all = eligibility.first_admitted(lists.popular, quota)
        half = -(-quota // 2)
        each = -(-(quota - half) // max(1, len(parts)))
        of_parts = [eligibility.first_admitted(part, each) for part in parts]
        # Half from the whole shop, half from categories and groups, and from the whole shop again where that is too
        # few. The lists' order, which decides among equals, outlives the removal of those that are in two.
        together = np.concatenate([of_all[:half], *of_parts, of_all[half:]])
        item_nos = together[np.sort(np.unique(together, return_index=True)[1])[:quota]]
        popularity = popularity_at(lists.logs[item_nos], query.query_millis)
        scores = (1.0 + popularity) * (1.0 + _TASTE * query.taste.of(columns.category_nos[item_nos]))
        return best(item_nos, scores * (1.0 + values_of(item_nos, grouped, lifts)), quota)

    def _groups(self, query: Query) -> tuple[NDArray[np.uint32], NDArray[np.float64], list[NDArray[np.uint32]]]:
        """Returns items that the visitor's groups take (ascending), by how much their mean lift is above 1, and each
        group's ranking of them.
        """
        tastes, inside = self._inputs.group_tastes.value, len(self._inputs.top_lists.logs)
        if tastes is None or not query.groups:
            return np.zeros(0, np.uint32), np.zeros(0), []
        owners, positions = tastes.of(query.groups)
        found = tastes.item_nos[tastes.items[positions]]
        listed = found < inside
        owners, positions, found = owners[listed], positions[listed], found[listed]
        rankings = [found[owners == place] for place in np.unique(owners)]
        item_nos, order, starts = grouped(found)
        above = np.minimum(tastes.lifts[positions], _GREATEST_LIFT) - 1.0
        return item_nos, np.add.reduceat(above[order], starts) / len(query.groups), rankings
