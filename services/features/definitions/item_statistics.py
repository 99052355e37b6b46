import hashlib
import math
from array import array
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.common.strengths import strength_of
from services.features.definitions import decay
from services.features.definitions.distinct_count import DistinctCount
from services.features.definitions.item_counters import VIEWS
from services.features.definitions.observation import Observation

HALF_LIVES_DAYS: Final = {"decayed_1d": 1.0, "decayed_7d": 7.0, "decayed_30d": 30.0}

COUNTED: Final = {
    **dict.fromkeys(VIEWS, ("views", 1)),
    event_types.FAVORITE: ("favorites", 1),
    event_types.ADD_TO_CART: ("carts", 1),
    event_types.PURCHASE: ("purchases", 1),
    event_types.REFUND: ("purchases", -1),
    event_types.IMPRESSION: ("impressions", 1),
}
"""Which count an event changes, and by how much."""

COLUMNS: Final = (
    ("versions", "q"),
    ("views", "q"),
    ("favorites", "q"),
    ("carts", "q"),
    ("purchases", "q"),
    ("impressions", "q"),
    ("price_counts", "q"),
    ("price_sums", "d"),
    ("anchors", "q"),
    ("decayed_1d", "d"),
    ("decayed_7d", "d"),
    ("decayed_30d", "d"),
)


class ItemStatisticsRow(NamedTuple):
    """The statistics of one item, as they are stored."""

    item_no: int
    version: int
    views: int
    favorites: int
    carts: int
    purchases: int
    impressions: int
    price_count: int
    price_sum: float
    anchor_millis: int
    decayed_1d: float
    decayed_7d: float
    decayed_30d: float
    buyers: bytes


class ItemStatistics:
    """What all users together did to each item, in columns by item_no; does not depend on the order of arrival.

    `seal` gives all items that changed since the last call a version each, so that readers can ask for what is new.
    """

    def __init__(self) -> None:
        for name, code in COLUMNS:
            setattr(self, name, array(code, [0]))
        self._buyers: dict[int, DistinctCount] = {}
        self._touched: set[int] = set()
        self.version = 0

    versions: "array[int]"
    views: "array[int]"
    favorites: "array[int]"
    carts: "array[int]"
    purchases: "array[int]"
    impressions: "array[int]"
    price_counts: "array[int]"
    price_sums: "array[float]"
    anchors: "array[int]"
    decayed_1d: "array[float]"
    decayed_7d: "array[float]"
    decayed_30d: "array[float]"

    def apply(self, observation: Observation, visitor_hash: int) -> None:
        """Counts one event of a visitor, whose hash is that of `hash_visitor`."""
        item_no = observation.item_no
        counted = COUNTED.get(observation.type)
        strength = strength_of(observation.type, observation.watched_fraction)
        if not item_no or (counted is None and not strength):
            return
        if item_no >= len(self.versions):
            self._grow(item_no)
        self._touched.add(item_no)
        if counted is not None:
            column: array[int] = getattr(self, counted[0])
            column[item_no] += counted[1]
        if strength:
            self._add_strength(item_no, strength, observation.event_millis)
        if observation.type == event_types.PURCHASE:
            self._buyers.setdefault(item_no, DistinctCount()).add(visitor_hash)
            price = observation.unit_price
            if price is not None and 0.0 <= price < math.inf:
                self.price_counts[item_no] += 1
                self.price_sums[item_no] += price

    def _add_strength(self, item_no: int, strength: float, millis: int) -> None:
        age = self.anchors[item_no] - millis
        if age < 0:
            self.anchors[item_no] = millis
            self.decayed_1d[item_no] *= decay.weight(-age, 1.0)
            self.decayed_7d[item_no] *= decay.weight(-age, 7.0)
            self.decayed_30d[item_no] *= decay.weight(-age, 30.0)
        self.decayed_1d[item_no] += strength * decay.weight(age, 1.0)
        self.decayed_7d[item_no] += strength * decay.weight(age, 7.0)
        self.decayed_30d[item_no] += strength * decay.weight(age, 30.0)

    def seal(self) -> list[int]:
        """Gives each item that changed since the last call a version of its own; returns their numbers."""
        changed = sorted(self._touched)
        self._touched.clear()
        for item_no in changed:
            self.version += 1
            self.versions[item_no] = self.version
        return changed

    def changed_after(self, version: int, limit: int) -> tuple[NDArray[np.intp], bool]:
        """Returns at most `limit` item_nos with versions above `version`, by version, and whether there are more."""
        versions = self.column("versions")
        changed = np.flatnonzero(versions > max(version, 0))
        ordered = changed[np.argsort(versions[changed])]
        return ordered[:limit], len(ordered) > limit

    def column(self, name: str) -> NDArray[np.int64]:
        """Returns a copy of a column of counts, versions or times, by item_no; element 0 is no item."""
        return np.array(getattr(self, name), np.int64)

    def counts(self, name: str, item_nos: NDArray[np.intp]) -> NDArray[np.int64]:
        """Returns a column of counts for some items; never below 0, whatever was given back."""
        return np.maximum(self.column(name)[item_nos], 0)

    def price_means(self, item_nos: NDArray[np.intp]) -> NDArray[np.float64]:
        """Returns the mean unit price of the items' purchases, -1 where none is known."""
        counts = self.column("price_counts")[item_nos]
        sums = np.array(self.price_sums)[item_nos]
        return np.where(counts > 0, sums / np.maximum(counts, 1), -1.0)

    def decayed(self, name: str, query_millis: int) -> NDArray[np.float64]:
        """Returns a column of HALF_LIVES_DAYS as of a time, by item_no, never below 0."""
        factors = decay.weights(self.column("anchors"), query_millis, HALF_LIVES_DAYS[name])
        return np.maximum(np.array(getattr(self, name)) * factors, 0.0)

    def buyer_count(self, item_no: int) -> int:
        """Returns about how many users bought the item."""
        buyers = self._buyers.get(item_no)
        return buyers.estimate() if buyers else 0

    def row(self, item_no: int) -> ItemStatisticsRow:
        """Returns an item's statistics for storage."""
        buyers = self._buyers.get(item_no)
        values = [getattr(self, name)[item_no] for name, _ in COLUMNS]
        return ItemStatisticsRow._make([item_no, *values, buyers.to_bytes() if buyers else b""])

    def load(self, rows: Iterable[ItemStatisticsRow]) -> None:
        """Takes over stored statistics."""
        for row in rows:
            if row.item_no >= len(self.versions):
                self._grow(row.item_no)
            for (name, _), value in zip(COLUMNS, row[1:-1], strict=True):
                getattr(self, name)[row.item_no] = value
            if row.buyers:
                self._buyers[row.item_no] = DistinctCount.from_bytes(row.buyers)
            self.version = max(self.version, row.version)

    def _grow(self, item_no: int) -> None:
        missing = max(item_no + 1 - len(self.versions), len(self.versions))
        for name, code in COLUMNS:
            column: array[int] = getattr(self, name)
            column.extend(array(code, bytes(missing * column.itemsize)))


def hash_visitor(key: str) -> int:
    """Returns the 64-bit hash under which a visitor counts among an item's buyers."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8, person=b"vitrine-buyer").digest(), "little")
