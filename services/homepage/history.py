"""A visitor's history with single items, from the columns of their features."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.strengths import STRENGTHS
from services.homepage.clients.columns import column
from services.homepage.pipeline.candidates import Numbers
from vitrine.features.v1.user_features_pb2 import UserFeatures
from vitrine.homepage.v1 import reason_pb2

_DAY_MILLIS: Final = 86_400_000
# A purchase of the day before yesterday says as much as a view of just now.
_ANCHOR_HALF_LIFE_DAYS: Final = 2.0
_ANCHOR_EVENTS: Final = 50


class History:
    """Looks up the visitor's history with items, by binary search in the counters, which are sorted by item_no."""

    def __init__(self, user: UserFeatures) -> None:
        counters = user.counters
        self._item_nos = column(counters.item_nos, np.uint32)
        count = len(self._item_nos)
        self._purchases = column(counters.purchase_counts, np.uint32, count)
        self._favorites = column(counters.favorite_counts, np.uint32, count)
        self._carts = column(counters.cart_counts, np.uint32, count)

    def purchases(self, item_nos: Numbers) -> Numbers:
        """Returns how often each item was bought, shape (n,)."""
        return self._take(self._purchases, item_nos)

    def reason_kinds(self, item_nos: Numbers) -> NDArray[np.uint8]:
        """Returns the visitor's strongest action on each item as a ReasonKind, shape (n,)."""
        kinds = np.full(len(item_nos), reason_pb2.REASON_KIND_YOU_VIEWED, np.uint8)
        kinds[self._take(self._favorites, item_nos) > 0] = reason_pb2.REASON_KIND_YOU_FAVORITED
        kinds[self._take(self._carts, item_nos) > 0] = reason_pb2.REASON_KIND_YOU_CARTED
        kinds[self._take(self._purchases, item_nos) > 0] = reason_pb2.REASON_KIND_YOU_BOUGHT
        return kinds

    def _take(self, counts: Numbers, item_nos: Numbers) -> Numbers:
        if not len(self._item_nos):
            return np.zeros(len(item_nos), np.uint32)
        places = np.minimum(np.searchsorted(self._item_nos, item_nos), len(self._item_nos) - 1)
        return np.where(self._item_nos[places] == item_nos, counts[places], np.uint32(0))


def anchors(user: UserFeatures, query_millis: int) -> list[int]:
    """Returns the items of the visitor's last strong actions, the strongest and latest first, each once.

    An action weighs its strength times 2^(-age / 2 days).
    """
    recent = user.recent
    weights: dict[int, float] = {}
    last = slice(-_ANCHOR_EVENTS, None)
    for item_no, kind, millis in zip(
        recent.item_nos[last], recent.types[last], recent.event_times_millis[last], strict=True
    ):
        strength = STRENGTHS.get(kind, 0.0)
        if item_no and strength > 0.0:
            age_days = max(0, query_millis - millis) / _DAY_MILLIS
            weight = strength * 2.0 ** -(age_days / _ANCHOR_HALF_LIFE_DAYS)
            weights[item_no] = max(weight, weights.get(item_no, 0.0))
    return sorted(weights, key=lambda item_no: (-weights[item_no], item_no))
