from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.settings import HistorySettings
from services.common import event_types
from services.common.sorted_lookup import contained, distinct
from services.common.strengths import STRENGTH_BY_TYPE, STRENGTHS
from vitrine.features.v1.user_features_pb2 import UserFeatures

_MILLIS_PER_HOUR: Final = 3_600_000


@dataclass(frozen=True)
class History:
    """What a visitor did, in columns: element i of each counter column belongs to `item_nos`[i] (ascending).

    `weights` say how much an item speaks for the visitor's taste at query time: ln(1 + s) with
    s = decayed interest + purchase strength × decayed purchases + session weight × Σ strength × 2^(-age / half-life),
    the last sum over the recent events with the session's half-life. The logarithm keeps a weekly purchase from
    drowning today's look; the session term lets the last hours lead. Items that the visitor does not want have no
    place here.
    The `recent_…` columns are events, newest first.
    """

    item_nos: NDArray[np.uint32]
    weights: NDArray[np.float64]
    purchase_counts: NDArray[np.uint32]
    first_purchase_millis: NDArray[np.int64]
    last_purchase_millis: NDArray[np.int64]
    decayed_purchases: NDArray[np.float64]
    recent_item_nos: NDArray[np.uint32]
    recent_types: NDArray[np.uint8]
    recent_millis: NDArray[np.int64]

    @classmethod
    def of(cls, user: UserFeatures, query_millis: int, settings: HistorySettings) -> "History":
        """Reads a visitor's history; an unknown visitor has an empty one."""
        disliked = distinct(np.array(user.disliked_item_nos, np.uint32))
        recent_item_nos = np.array(user.recent.item_nos, np.uint32)[::-1]
        recent_types = np.array(user.recent.types, np.uint8)[::-1]
        recent_millis = np.array(user.recent.event_times_millis, np.int64)[::-1]
        wanted = (recent_item_nos > 0) & ~contained(recent_item_nos, disliked)
        recent_item_nos, recent_types, recent_millis = (
            recent_item_nos[wanted],
            recent_types[wanted],
            recent_millis[wanted],
        )

        counters = user.counters
        item_nos = np.array(counters.item_nos, np.uint32)
        kept = np.argsort(item_nos, kind="stable")
        kept = kept[~contained(item_nos[kept], disliked)]
        item_nos = item_nos[kept]
        decayed_purchases = np.array(counters.decayed_purchases, np.float64)[kept]
        strength = (
            np.array(counters.decayed_interest, np.float64)[kept] + STRENGTHS[event_types.PURCHASE] * decayed_purchases
        )

        ages = np.maximum(query_millis - recent_millis, 0) / _MILLIS_PER_HOUR
        session = STRENGTH_BY_TYPE[recent_types] * np.exp2(-ages / settings.session_half_life_hours)
        if len(item_nos) and len(session):
            places = np.minimum(np.searchsorted(item_nos, recent_item_nos), len(item_nos) - 1)
            hit = item_nos[places] == recent_item_nos
            np.add.at(strength, places[hit], settings.session_weight * session[hit])
        return cls(
            item_nos=item_nos,
            weights=np.log1p(np.maximum(strength, 0.0)),
            purchase_counts=np.array(counters.purchase_counts, np.uint32)[kept],
            first_purchase_millis=np.array(counters.first_purchase_millis, np.int64)[kept],
            last_purchase_millis=np.array(counters.last_purchase_millis, np.int64)[kept],
            decayed_purchases=decayed_purchases,
            recent_item_nos=recent_item_nos,
            recent_types=recent_types,
            recent_millis=recent_millis,
        )

    def strongest(self, count: int) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """Returns the `count` items of the greatest weight above 0, the greatest first, and their weights."""
        order = self._strongest_first[:count]
        return self.item_nos[order], self.weights[order]

    @cached_property
    def _strongest_first(self) -> NDArray[np.intp]:
        """The places of a weight above 0: sorted once for all sources that ask."""
        order = np.argsort(-self.weights, kind="stable")
        return order[: np.count_nonzero(self.weights > 0)]
