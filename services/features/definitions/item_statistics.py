from array import array
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.common.feature_declaration import FeatureDeclaration
from services.common.strengths import STRENGTH_UNIT
from services.features.definitions import decay
from services.features.definitions.item_counters import VIEWS
from services.features.definitions.tally import Tally

HALF_LIVES_DAYS: Final = {"decayed_1d": 1.0, "decayed_7d": 7.0, "decayed_30d": 30.0}

COUNTED: Final = {
    **dict.fromkeys(VIEWS, "views"),
    event_types.FAVORITE: "favorites",
    event_types.ADD_TO_CART: "carts",
    event_types.PURCHASE: "purchases",
    event_types.IMPRESSION: "impressions",
}
"""The column that counts a type of event; what takes back changes the column of what it takes back."""

_DECAYED: Final = "Views, clicks, watches, shares, favorites, carts and purchases of all users by strength, decayed."

DECLARATIONS: Final = (
    FeatureDeclaration("view_counts", "Views, clicks and watches.", "0", "events"),
    FeatureDeclaration("favorite_counts", "Users whose favorite it is.", "0", "users"),
    FeatureDeclaration("cart_counts", "Additions to carts that were not removed.", "0", "lines"),
    FeatureDeclaration("purchase_counts", "Purchases that were not given back whole.", "0", "lines"),
    FeatureDeclaration("buyer_counts", "Users who bought it and did not give all of it back.", "0", "users"),
    FeatureDeclaration("user_counts", "Users who interacted with it: did anything but see it.", "0", "users"),
    FeatureDeclaration("impression_counts", "Times that it was on a screen.", "0", "impressions"),
    FeatureDeclaration(
        "mean_prices",
        "Mean unit price of the purchases that were not given back whole.",
        "-1: not known",
        "the shop's currency",
    ),
    FeatureDeclaration("interval_counts", "Times that a user bought it again.", "0", "lines"),
    FeatureDeclaration(
        "mean_interval_days",
        "Mean time from a user's purchase of it to the next of the same user.",
        "-1: not known",
        "days",
    ),
    FeatureDeclaration("decayed_1d", _DECAYED, "0", STRENGTH_UNIT, "half-life of 1 day"),
    FeatureDeclaration("decayed_7d", _DECAYED, "0", STRENGTH_UNIT, "half-life of 7 days"),
    FeatureDeclaration("decayed_30d", _DECAYED, "0", STRENGTH_UNIT, "half-life of 30 days"),
)
"""The columns of ListItemStatisticsResponse. What was taken back counts no more."""

MANY_CHANGES: Final = 20_000
"""Rows that take as long to make as some million are copied in columns."""

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
    ("buyers", "q"),
    ("users", "q"),
    ("intervals", "q"),
    ("interval_millis", "q"),
)


class ItemStatisticsRow(NamedTuple):
    """The statistics of one item, as they are stored."""

    item_no: int
    version: int = 0
    views: int = 0
    favorites: int = 0
    carts: int = 0
    purchases: int = 0
    impressions: int = 0
    price_count: int = 0
    price_sum: float = 0.0
    anchor_millis: int = 0
    decayed_1d: float = 0.0
    decayed_7d: float = 0.0
    decayed_30d: float = 0.0
    buyers: int = 0
    users: int = 0
    intervals: int = 0
    interval_millis: int = 0

    def plus(self, mine: "ItemStatisticsRow", base: "ItemStatisticsRow") -> "ItemStatisticsRow":
        """Returns this row with what was counted between `base` and `mine` added: what two counted apart, together."""
        anchor = max(self.anchor_millis, mine.anchor_millis)

        def at_anchor(row: ItemStatisticsRow, name: str) -> float:
            return float(getattr(row, name)) * decay.weight(anchor - row.anchor_millis, HALF_LIVES_DAYS[name])

        sums: dict[str, Any] = {
            name: getattr(self, name) + getattr(mine, name) - getattr(base, name) for name in _ADDED
        }
        for name in HALF_LIVES_DAYS:
            sums[name] = at_anchor(self, name) + at_anchor(mine, name) - at_anchor(base, name)
        return self._replace(anchor_millis=anchor, **sums)


_ADDED: Final = (
    "views",
    "favorites",
    "carts",
    "purchases",
    "impressions",
    "price_count",
    "price_sum",
    "buyers",
    "users",
    "intervals",
    "interval_millis",
)


class ItemStatistics:
    """What all users together did to each item, in columns by item_no; does not depend on the order of arrival.

    Others may count the same items elsewhere: for each item that changed since it was stored last, it keeps what the
    stored row was, so that the difference can be added to whatever is stored by then.
    """

    def __init__(self) -> None:
        for name, code in COLUMNS:
            setattr(self, name, array(code, [0]))
        self._unsaved: dict[int, ItemStatisticsRow] = {}
        self._changed: set[int] = set()
        """Items that changed since `take_changes`."""
        self.version = 0
        """The greatest version of a stored row that is known here."""

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
    buyers: "array[int]"
    users: "array[int]"
    intervals: "array[int]"
    interval_millis: "array[int]"

    def apply(self, tallies: Iterable[Tally]) -> None:
        """Counts what an event of a user changed."""
        for tally in tallies:
            if tally.item_no:
                self._apply(tally)

    def _apply(self, tally: Tally) -> None:
        item_no = tally.item_no
        if item_no >= len(self.versions):
            self._grow(item_no)
        if item_no not in self._unsaved:
            self._unsaved[item_no] = self.row(item_no)
        self._changed.add(item_no)
        if tally.number:
            column: array[int] = getattr(self, COUNTED[tally.type])
            column[item_no] += tally.number
        if tally.price is not None:
            self.price_counts[item_no] += tally.number
            self.price_sums[item_no] += tally.number * tally.price
        self.buyers[item_no] += tally.buyers
        self.users[item_no] += tally.users
        self.intervals[item_no] += tally.intervals
        self.interval_millis[item_no] += tally.interval_millis
        if tally.type != event_types.IMPRESSION:
            self._add_strength(item_no, tally.strength, tally.millis)

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

    def unsaved(self) -> list[int]:
        """Returns the items that changed since they were stored."""
        return list(self._unsaved)

    def take_unsaved(self) -> dict[int, ItemStatisticsRow]:
        """Returns the stored rows of the items that changed since; from now on these count as stored."""
        taken, self._unsaved = self._unsaved, {}
        return taken

    def put_back(self, taken: Mapping[int, ItemStatisticsRow]) -> None:
        """Takes back what `take_unsaved` returned: it was not stored."""
        self._unsaved |= taken

    def stored(self, item_no: int, version: int) -> None:
        """Notes that an item is stored as it was taken, under a version."""
        self.versions[item_no] = version
        self.version = max(self.version, version)
        self._changed.add(item_no)

    def learn(self, row: ItemStatisticsRow) -> None:
        """Takes over a row as it is stored, and what was counted here since on top of it."""
        item_no = row.item_no
        if item_no >= len(self.versions):
            self._grow(item_no)
        base = self._unsaved.get(item_no)
        if base is not None:
            self._unsaved[item_no] = row
            row = row.plus(self.row(item_no), base)
        for (name, _), value in zip(COLUMNS, row[1:], strict=True):
            getattr(self, name)[item_no] = value
        self.version = max(self.version, row.version)
        self._changed.add(item_no)

    def take_changes(self) -> "list[ItemStatisticsRow] | ItemStatistics":
        """Returns the rows that changed since the last call, or a copy of all if they are many: that's quicker then."""
        changed, self._changed = self._changed, set()
        if len(changed) < MANY_CHANGES:
            return [self.row(item_no) for item_no in changed]
        copy = ItemStatistics()
        for name, _ in COLUMNS:
            setattr(copy, name, getattr(self, name)[:])
        copy.version = self.version
        return copy

    def changed_after(self, version: int, limit: int) -> tuple[NDArray[np.intp], bool]:
        """Returns at most `limit` item_nos with versions above `version`, by version, and whether there are more."""
        if version >= self.version:
            return np.zeros(0, np.intp), False
        versions = self.column("versions")
        changed = np.flatnonzero(versions > max(version, 0))
        ordered = changed[np.argsort(versions[changed])]
        return ordered[:limit], len(ordered) > limit

    def column(self, name: str) -> NDArray[np.int64]:
        """Returns a column of counts, versions or times as it is now, to be read, by item_no; element 0 is no item."""
        return np.frombuffer(getattr(self, name), np.int64)

    def counts(self, name: str, item_nos: NDArray[np.intp]) -> NDArray[np.int64]:
        """Returns a column of counts for some items; never below 0, whatever was given back."""
        return np.maximum(self.column(name)[item_nos], 0)

    def price_means(self, item_nos: NDArray[np.intp]) -> NDArray[np.float64]:
        """Returns the mean unit price of the items' purchases, -1 if none is known."""
        counts = self.column("price_counts")[item_nos]
        sums = np.frombuffer(self.price_sums)[item_nos]
        return np.where(counts > 0, sums / np.maximum(counts, 1), -1.0)

    def interval_means(self, item_nos: NDArray[np.intp]) -> NDArray[np.float64]:
        """Returns the mean days from a user's purchase of the item to the next one, -1 if none bought it again."""
        counts, spans = self.column("intervals")[item_nos], self.column("interval_millis")[item_nos]
        return np.where(counts > 0, np.maximum(spans, 0) / (np.maximum(counts, 1) * decay.MILLIS_PER_DAY), -1.0)

    def decayed(
        self, name: str, query_millis: int, item_nos: NDArray[np.intp] | slice = slice(None)
    ) -> NDArray[np.float64]:
        """Returns a column of HALF_LIVES_DAYS as of a time, by item_no or of some items, never below 0."""
        factors = decay.weights(self.column("anchors")[item_nos], query_millis, HALF_LIVES_DAYS[name])
        return np.maximum(np.frombuffer(getattr(self, name))[item_nos] * factors, 0.0)

    def row(self, item_no: int) -> ItemStatisticsRow:
        """Returns an item's statistics for storage."""
        return ItemStatisticsRow._make([item_no, *(getattr(self, name)[item_no] for name, _ in COLUMNS)])

    def _grow(self, item_no: int) -> None:
        missing = max(item_no + 1 - len(self.versions), len(self.versions))
        for name, code in COLUMNS:
            column: array[int] = getattr(self, name)
            # A new array: readers may hold the old one.
            setattr(self, name, column + array(code, bytes(missing * column.itemsize)))
