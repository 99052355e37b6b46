from typing import ClassVar

from services.candidates.proposals import Proposals, best
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs

_LOOKED_AT = 5


class Trending:
    """What rises against its own past, of the whole shop, and most of all in the visitor's categories.

    score(j) = rise of j (see `trend_scores`) × (1 + 2 × taste for j's categories).
    """

    name: ClassVar[str] = "trending"
    quota: ClassVar[int] = 40
    weight: ClassVar[float] = 0.4

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return ""

    def applies(self, query: Query) -> bool:  # what rises is for everyone
        return True

    async def propose(self, query: Query, quota: int) -> Proposals:
        lists = self._inputs.top_lists
        item_nos = query.eligibility.first_admitted(lists.trending, _LOOKED_AT * quota)
        taste = query.taste.of(self._inputs.columns.category_nos[item_nos])
        return best(item_nos, lists.trend_scores[item_nos] * (1 + 2 * taste), quota)
