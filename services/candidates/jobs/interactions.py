from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.common import event_types
from services.common.strengths import STRENGTHS, strength_of
from services.common.visitors import anonymous_key, user_key
from vitrine.events.v1.event_service_pb2 import LoggedEvent

_MILLIS_PER_DAY: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Ratings:
    """Implicit ratings: `matrix` float32[users, items], column i belonging to `item_nos`[i] (ascending)."""

    matrix: "sparse.csr_array[np.float32]"
    item_nos: NDArray[np.uint32]


class Interactions:
    """Collects from the log how much users took to items. The order of the events does not matter."""

    def __init__(self, item_nos: Mapping[str, int]) -> None:
        self._item_nos = item_nos
        self._user_nos: dict[str, int] = {}
        self._users = array("I")
        self._items = array("I")
        self._strengths = array("f")
        self._millis = array("q")
        self._disliked: set[tuple[int, int]] = set()

    def __len__(self) -> int:
        return len(self._items)

    def add(self, logged: LoggedEvent) -> None:
        """Takes an event that says something for an item of the catalogue; passes over all others, and robots'."""
        event = logged.event
        if logged.erased or logged.flags or (event.type not in STRENGTHS and event.type != event_types.DISLIKE):
            return
        item_no = self._item_nos.get(event.item_id)
        if item_no is None:
            return
        visitor = event.visitor
        key = user_key(visitor.user_id) if visitor.user_id else anonymous_key(visitor.anonymous_id)
        user_no = self._user_nos.setdefault(key, len(self._user_nos))
        if event.type == event_types.DISLIKE:
            self._disliked.add((user_no, item_no))
            return
        fraction = event.watched_fraction if event.HasField("watched_fraction") else None
        self._users.append(user_no)
        self._items.append(item_no)
        self._strengths.append(strength_of(event.type, fraction))
        self._millis.append(event.event_time.seconds * 1000 + event.event_time.nanos // 1_000_000)

    def ratings(self, half_life_days: float, items_per_user: int, minimum_users: int) -> Ratings:
        """Returns r_ui = ln(1 + Σ_events strength × 2^(-age / half-life)), where that is above 0.

        Ages count from the newest event, so that the same log always gives the same ratings. What was taken back
        (refund, removal) subtracts; a disliked item has no rating. Of a user the `items_per_user` highest ratings
        count; items with fewer than `minimum_users` users, which can have no neighbours, are left out.
        """
        if not self._items:
            return Ratings(sparse.csr_array(np.zeros((0, 0), np.float32)), np.zeros(0, np.uint32))
        millis = np.frombuffer(self._millis, np.int64)
        ages = (millis.max() - millis) / _MILLIS_PER_DAY
        weights = np.frombuffer(self._strengths, np.float32) * np.exp2(-ages / half_life_days)
        users = np.frombuffer(self._users, np.uint32).astype(np.int64)
        items = np.frombuffer(self._items, np.uint32).astype(np.int64)
        pairs, places = np.unique(users << 32 | items, return_inverse=True)
        # Summed in order of time and weight: floating-point sums then do not depend on the order of arrival.
        order = np.lexsort((weights, millis, places))
        strengths = np.bincount(places[order], weights[order], minlength=len(pairs))
        disliked = np.array([user << 32 | item for user, item in self._disliked], np.int64)
        # A sum that was taken back wholly leaves a rounding error behind.
        kept = (strengths > 1e-9) & ~np.isin(pairs, disliked)
        return _matrix(pairs[kept], np.log1p(strengths[kept]), items_per_user, minimum_users)


def _matrix(pairs: NDArray[np.int64], ratings: NDArray[np.float64], items_per_user: int, minimum_users: int) -> Ratings:
    users, items = pairs >> 32, pairs & 0xFFFFFFFF
    order = np.lexsort((items, -ratings, users))
    users, items, ratings = users[order], items[order], ratings[order]
    firsts = np.searchsorted(users, users)
    strongest = np.arange(len(users)) - firsts < items_per_user
    users, items, ratings = users[strongest], items[strongest], ratings[strongest]
    item_nos, columns, counts = np.unique(items, return_inverse=True, return_counts=True)
    wide = counts[columns] >= minimum_users
    item_nos, columns = np.unique(items[wide], return_inverse=True)
    _, rows = np.unique(users[wide], return_inverse=True)
    shape = (int(rows.max(initial=-1)) + 1, len(item_nos))
    matrix = sparse.csr_array((ratings[wide].astype(np.float32), (rows, columns)), shape)
    return Ratings(matrix, item_nos.astype(np.uint32))
