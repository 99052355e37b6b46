from typing import ClassVar, Final

import numpy as np

from services.candidates.proposals import Proposals, best
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.common import event_types
from services.common.sorted_lookup import contained, values_of

_MILLIS_PER_HOUR: Final = 3_600_000
_LOOKS: Final = np.sort([event_types.VIEW, event_types.CLICK, event_types.WATCH])


class RecentlyViewed:
    """What the visitor looked at last and has not bought since, the last first: score = 1 / (1 + hours since)."""

    name: ClassVar[str] = "recently_viewed"
    quota: ClassVar[int] = 30
    weight: ClassVar[float] = 0.8

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return ""

    def applies(self, query: Query) -> bool:
        return bool(contained(query.history.recent_types, _LOOKS).any())

    async def propose(self, query: Query, quota: int) -> Proposals:
        history = query.history
        looks = contained(history.recent_types, _LOOKS)
        # The events come newest first: the first of an item is its last look.
        item_nos, first = np.unique(history.recent_item_nos[looks], return_index=True)
        seen = history.recent_millis[looks][first]
        bought = values_of(item_nos, history.item_nos, history.last_purchase_millis)
        fit = query.eligibility.admits(item_nos) & (bought < seen)
        ages = np.maximum(query.query_millis - seen[fit], 0) / _MILLIS_PER_HOUR
        return best(item_nos[fit], 1.0 / (1.0 + ages), quota, item_nos[fit])
