from typing import ClassVar, Final

import numpy as np

from services.candidates.proposals import Proposals, best
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.candidates.statistics.item_statistics import popularity_at

_MILLIS_PER_DAY: Final = 86_400_000
_LOOKED_AT: Final = 10


class NewArrivals:
    """Items that came in the last days, by their availability date or else by their first upsert.

    score(j) = 2^(-age / (window / 3)) × (1 + 2 × taste for j's categories) × (1 + ½ ln(1 + j's decayed events)).
    """

    name: ClassVar[str] = "new_arrivals"
    quota: ClassVar[int] = 50
    weight: ClassVar[float] = 0.4

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return ""

    def applies(self, query: Query) -> bool:  # what is new is for everyone
        return True

    async def propose(self, query: Query, quota: int) -> Proposals:
        lists, now, days = self._inputs.top_lists, query.query_millis, self._inputs.settings.new_days
        # The list's part between the query's time and the window's beginning is found by bisection.
        dates = lists.newest_negated
        begin = int(np.searchsorted(dates, -now, side="left"))
        end = int(np.searchsorted(dates, -(now - days * _MILLIS_PER_DAY), side="right"))
        item_nos = query.eligibility.first_admitted(lists.newest[begin:end], _LOOKED_AT * quota)
        ages = (now - self._inputs.columns.new_since[item_nos]) / _MILLIS_PER_DAY
        popularity = popularity_at(lists.logs[item_nos], now)
        taste = query.taste.of(self._inputs.columns.category_nos[item_nos])
        scores = np.exp2(-ages * 3 / days) * (1 + 2 * taste) * (1 + 0.5 * np.log1p(popularity))
        return best(item_nos, scores, quota)
