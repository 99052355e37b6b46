from array import array
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.common.strengths import strength_of
from services.features.definitions import decay
from services.features.definitions.declaration import FeatureDeclaration
from services.features.definitions.entries import Entries
from services.features.definitions.marks import Marks
from services.features.definitions.observation import Observation
from vitrine.features.v1.stored_user_state_pb2 import StoredItemRows, StoredUserState
from vitrine.features.v1.user_features_pb2 import UserFeatures

MAXIMUM_ITEMS: Final = 5_000
MAXIMUM_CART_EVENTS: Final = 1_024
PURCHASE_HALF_LIFE_DAYS: Final = 60.0
INTEREST_HALF_LIFE_DAYS: Final = 7.0
STRENGTH_HALF_LIFE_DAYS: Final = 30.0

VIEWS: Final = frozenset({event_types.VIEW, event_types.CLICK, event_types.WATCH})
FAVORITES: Final = frozenset({event_types.FAVORITE, event_types.UNFAVORITE})
CARTS: Final = frozenset({event_types.ADD_TO_CART, event_types.REMOVE_FROM_CART})
INTERESTS: Final = VIEWS | FAVORITES | CARTS
PURCHASES: Final = {event_types.PURCHASE: 1, event_types.REFUND: -1}

COLUMNS: Final = (
    ("item_nos", "I"),
    ("views", "I"),
    ("purchases", "i"),
    ("first_purchases", "q"),
    ("last_purchases", "q"),
    ("last_events", "q"),
    ("purchases_60d", "d"),
    ("interest_7d", "d"),
    ("strength_30d", "d"),
)


class ItemCounters:
    """What the user did to each item, one row an item, in columns: a heavy user's 1,500 rows are read at numpy's speed.

    All rows are kept, since a row that was dropped and then met again could not be told from one that came in another
    order; the bound holds when they are read. Decayed sums stand for the time of the row's last event.
    """

    DECLARATION: ClassVar = FeatureDeclaration(
        name="counters",
        description="Counts, first and last times and decayed sums for each item that the user dealt with.",
        window=f"all; the {MAXIMUM_ITEMS} last items; half-lives of 60 days (purchases) and 7 days (interest)",
    )

    __slots__ = ("_carts", "_favorites", "_rows", *(name for name, _ in COLUMNS))

    item_nos: "array[int]"
    views: "array[int]"
    purchases: "array[int]"
    first_purchases: "array[int]"
    last_purchases: "array[int]"
    last_events: "array[int]"
    purchases_60d: "array[float]"
    interest_7d: "array[float]"
    strength_30d: "array[float]"

    def __init__(self) -> None:
        for name, code in COLUMNS:
            setattr(self, name, array(code))
        self._rows: dict[int, int] = {}
        self._favorites: Marks[int] = Marks(MAXIMUM_ITEMS)
        self._carts = Entries(MAXIMUM_CART_EVENTS)

    def __len__(self) -> int:
        return len(self._rows)

    def last_event_millis(self, item_no: int) -> int | None:
        """Returns when the user last did something to the item; None: never."""
        row = self._rows.get(item_no)
        return None if row is None else self.last_events[row]

    def apply(self, observation: Observation) -> None:
        """Counts an event that has an item; impressions are not for here."""
        kind, millis = observation.type, observation.event_millis
        row = self._row(observation.item_no, millis)
        age = self.last_events[row] - millis
        if strength := strength_of(kind, observation.watched_fraction):
            self.strength_30d[row] += strength * decay.weight(age, STRENGTH_HALF_LIFE_DAYS)
            if kind in INTERESTS:
                self.interest_7d[row] += strength * decay.weight(age, INTEREST_HALF_LIFE_DAYS)
        if kind in VIEWS:
            self.views[row] += 1
        elif kind in PURCHASES:
            self._apply_purchase(row, PURCHASES[kind], millis, age)
        elif kind in FAVORITES:
            mark = (millis, observation.tie_break, int(kind == event_types.FAVORITE))
            self._favorites.add(observation.item_no, mark)
        elif kind in CARTS:
            self._carts.add((millis, observation.tie_break, observation.item_no, kind, observation.quantity))

    def _apply_purchase(self, row: int, sign: int, millis: int, age: int) -> None:
        self.purchases[row] += sign
        self.purchases_60d[row] += sign * decay.weight(age, PURCHASE_HALF_LIFE_DAYS)
        if sign > 0:
            moment = max(millis, 1)  # 0 says none
            self.last_purchases[row] = max(self.last_purchases[row], moment)
            first = self.first_purchases[row]
            self.first_purchases[row] = min(first, moment) if first else moment

    def _row(self, item_no: int, millis: int) -> int:
        """Returns the item's row with its anchor at `millis` or later."""
        row = self._rows.get(item_no)
        if row is None:
            row = self._rows[item_no] = len(self._rows)
            for name, _ in COLUMNS:
                getattr(self, name).append(0)
            self.item_nos[row] = item_no
            self.last_events[row] = millis
        elif millis > self.last_events[row]:
            elapsed = millis - self.last_events[row]
            self.last_events[row] = millis
            self.purchases_60d[row] *= decay.weight(elapsed, PURCHASE_HALF_LIFE_DAYS)
            self.interest_7d[row] *= decay.weight(elapsed, INTEREST_HALF_LIFE_DAYS)
            self.strength_30d[row] *= decay.weight(elapsed, STRENGTH_HALF_LIFE_DAYS)
        return row

    def merge(self, other: "ItemCounters") -> None:
        """Adds what another visitor, who turned out to be the same person, did."""
        for theirs, item_no in enumerate(other.item_nos):
            row = self._row(item_no, other.last_events[theirs])
            age = self.last_events[row] - other.last_events[theirs]
            self.views[row] += other.views[theirs]
            self.purchases[row] += other.purchases[theirs]
            self.purchases_60d[row] += other.purchases_60d[theirs] * decay.weight(age, PURCHASE_HALF_LIFE_DAYS)
            self.interest_7d[row] += other.interest_7d[theirs] * decay.weight(age, INTEREST_HALF_LIFE_DAYS)
            self.strength_30d[row] += other.strength_30d[theirs] * decay.weight(age, STRENGTH_HALF_LIFE_DAYS)
            self.last_purchases[row] = max(self.last_purchases[row], other.last_purchases[theirs])
            firsts = [first for first in (self.first_purchases[row], other.first_purchases[theirs]) if first]
            self.first_purchases[row] = min(firsts, default=0)
        self._favorites.merge(other._favorites)
        self._carts.merge(other._carts)

    def write(self, features: UserFeatures, query_millis: int) -> None:
        """Fills `features.counters`."""
        order = self._newest_by_item_no()
        columns = {name: np.array(getattr(self, name))[order] for name, _ in COLUMNS}
        anchors = columns["last_events"]
        purchases = columns["purchases_60d"] * decay.weights(anchors, query_millis, PURCHASE_HALF_LIFE_DAYS)
        interest = columns["interest_7d"] * decay.weights(anchors, query_millis, INTEREST_HALF_LIFE_DAYS)
        item_nos: list[int] = columns["item_nos"].tolist()
        favorites = set(self._favorites.set_keys())
        carts = self._cart_counts()
        counters = features.counters
        counters.item_nos.extend(item_nos)
        counters.view_counts.extend(columns["views"].tolist())
        counters.favorite_counts.extend([1 if item_no in favorites else 0 for item_no in item_nos])
        counters.cart_counts.extend([carts.get(item_no, 0) for item_no in item_nos])
        counters.purchase_counts.extend(np.maximum(columns["purchases"], 0).tolist())
        counters.first_purchase_millis.extend(columns["first_purchases"].tolist())
        counters.last_purchase_millis.extend(columns["last_purchases"].tolist())
        counters.last_event_millis.extend(anchors.tolist())
        counters.decayed_purchases.extend(np.maximum(purchases, 0.0).tolist())
        counters.decayed_interest.extend(np.maximum(interest, 0.0).tolist())

    def strengths(self, query_millis: int) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """Returns each item and the decayed strength of its events, half-life 30 days, both of shape (items,)."""
        factors = decay.weights(np.array(self.last_events, np.int64), query_millis, STRENGTH_HALF_LIFE_DAYS)
        return np.array(self.item_nos, np.uint32), np.maximum(np.array(self.strength_30d) * factors, 0.0)

    def save(self, stored: StoredUserState) -> None:
        """Writes the rows into the storage format."""
        for name, _ in COLUMNS:
            setattr(stored.items, name, getattr(self, name).tobytes())
        self._favorites.save(stored.favorites)
        self._carts.save(stored.carts)

    def load(self, stored: StoredUserState) -> None:
        """Reads the rows from the storage format."""
        rows: StoredItemRows = stored.items
        for name, code in COLUMNS:
            setattr(self, name, array(code, getattr(rows, name)))
        self._rows = {item_no: row for row, item_no in enumerate(self.item_nos)}
        self._favorites.load_numbers(stored.favorites)
        self._carts.load(stored.carts)

    def _newest_by_item_no(self) -> NDArray[np.intp]:
        item_nos = np.array(self.item_nos, np.uint32)
        if len(item_nos) <= MAXIMUM_ITEMS:
            return np.argsort(item_nos)
        newest = np.lexsort((item_nos, np.array(self.last_events)))[-MAXIMUM_ITEMS:]
        return newest[np.argsort(item_nos[newest])]

    def _cart_counts(self) -> dict[int, int]:
        """Returns additions less removals after the last purchase of each item, never below 0."""
        counts: dict[int, int] = {}
        for millis, _, item_no, kind, _ in self._carts:
            if millis > self.last_purchases[self._rows[item_no]]:
                counts[item_no] = counts.get(item_no, 0) + (1 if kind == event_types.ADD_TO_CART else -1)
        return {item_no: max(count, 0) for item_no, count in counts.items()}
