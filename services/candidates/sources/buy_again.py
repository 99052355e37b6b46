from typing import ClassVar, Final

import numpy as np

from services.candidates.proposals import Proposals, best
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs

_MILLIS_PER_DAY: Final = 86_400_000
_USUAL_DAYS: Final = 30.0
_SHORTEST_DAYS: Final = 1.0


class BuyAgain:
    """What the visitor buys again and again, when it is due by that item's own rhythm.

    score(j) = purchases of j, half-life 60 days, × due(j), due = 1 - 2^(-(days since the last) / interval): just bought
    is not due, and after one interval it is half so. The interval is the item's own mean, drawn towards 30 days as if
    that had been seen once: (days from first to last + 30) / (purchases - 1 + 1).
    """

    name: ClassVar[str] = "buy_again"
    quota: ClassVar[int] = 120
    weight: ClassVar[float] = 1.5

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return ""

    def applies(self, query: Query) -> bool:
        return bool((query.history.purchase_counts > 0).any())

    async def propose(self, query: Query, quota: int) -> Proposals:
        history = query.history
        bought = np.flatnonzero((history.purchase_counts > 0) & (history.last_purchase_millis > 0))
        bought = bought[query.eligibility.admits(history.item_nos[bought])]
        first, last = history.first_purchase_millis[bought], history.last_purchase_millis[bought]
        span = np.where(first > 0, np.maximum(last - first, 0), 0) / _MILLIS_PER_DAY
        intervals = np.maximum((span + _USUAL_DAYS) / history.purchase_counts[bought], _SHORTEST_DAYS)
        elapsed = np.maximum(query.query_millis - last, 0) / _MILLIS_PER_DAY
        scores = history.decayed_purchases[bought] * (1.0 - np.exp2(-elapsed / intervals))
        item_nos = history.item_nos[bought]
        return best(item_nos, scores, quota, item_nos)
