from array import array
from datetime import timedelta
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.common.feature_declaration import FeatureDeclaration
from services.common.strengths import STRENGTHS, strength_of
from services.features.definitions import decay
from services.features.definitions.deeds import NO_PRICE, Change, Deeds
from services.features.definitions.observation import Observation
from services.features.definitions.purchase_spans import PurchaseSpans
from services.features.definitions.standing_deeds import StandingDeeds
from services.features.definitions.taking_back import DONE, TAKES_BACK
from services.features.definitions.tally import Tally
from vitrine.features.v1.stored_user_state_pb2 import StoredItemRows, StoredUserState
from vitrine.features.v1.user_features_pb2 import UserFeatures

MAXIMUM_ITEMS: Final = 5_000
PURCHASE_HALF_LIFE_DAYS: Final = 60.0
INTEREST_HALF_LIFE_DAYS: Final = 7.0
STRENGTH_HALF_LIFE_DAYS: Final = 30.0

VIEWS: Final = frozenset({event_types.VIEW, event_types.CLICK, event_types.WATCH})

COLUMNS: Final = (
    ("item_nos", "I"),
    ("views", "I"),
    ("last_events", "q"),
    ("interest_7d", "d"),
    ("strength_30d", "d"),
)


class ItemCounters:
    """What the user did to each item, one row an item, in columns: a heavy user's 1,500 rows are read at numpy's speed.

    What can be taken back is kept deed by deed, all else as sums; decayed ones stand for the time of the row's last
    event. All rows are kept, since a row that was dropped and then met again could not be told from one that came in
    another order; the bound holds when they are read.
    """

    DECLARATION: ClassVar = FeatureDeclaration(
        name="counters",
        description="Counts, first and last times and decayed sums for each item that the user dealt with. What was "
        "taken back (refund, unfavorite, remove_from_cart) counts no more, in the part that was taken back.",
        unit="events, milliseconds since 1970",
        window=f"all; the {MAXIMUM_ITEMS} last items; half-lives of 60 days (purchases) and 7 days (interest)",
        freshness=timedelta(minutes=5),
    )

    __slots__ = ("_deeds", "_purchases", "_rows", "_spans", "_standing", *(name for name, _ in COLUMNS))

    item_nos: "array[int]"
    views: "array[int]"
    last_events: "array[int]"
    interest_7d: "array[float]"
    strength_30d: "array[float]"

    def __init__(self) -> None:
        for name, code in COLUMNS:
            setattr(self, name, array(code))
        self._rows: dict[int, int] = {}
        self._deeds = Deeds()
        self._purchases = array("I")
        """Purchases that stand, by row."""
        self._standing = array("I")
        """Deeds of any kind that stand, by row."""
        self._spans = PurchaseSpans(self._deeds)

    def __len__(self) -> int:
        return len(self._rows)

    def last_event_millis(self, item_no: int) -> int | None:
        """Returns when the user last did something to the item; None: never."""
        row = self._rows.get(item_no)
        return None if row is None else self.last_events[row]

    def apply(self, observation: Observation) -> list[Tally]:
        """Counts an event that has an item; impressions are not for here. Returns what it changes for the item."""
        kind, item_no, millis = observation.type, observation.item_no, observation.event_millis
        row = self._row(item_no, millis)
        if kind in DONE or kind in TAKES_BACK:
            return self._apply_deed(observation, row)
        strength = strength_of(kind, observation.watched_fraction)
        viewed = int(kind in VIEWS)
        if not strength and not viewed:
            return []
        users = 1 - self._takes_to(row)
        age = self.last_events[row] - millis
        self.strength_30d[row] += strength * decay.weight(age, STRENGTH_HALF_LIFE_DAYS)
        if viewed:
            self.views[row] += 1
            self.interest_7d[row] += strength * decay.weight(age, INTEREST_HALF_LIFE_DAYS)
        return [Tally(item_no, kind, millis, viewed, strength, users=users)]

    def _takes_to(self, row: int) -> int:
        """Returns 1 where anything that the user did with the item stands, else 0."""
        return int(self.views[row] > 0 or self.strength_30d[row] > 0.0 or self._standing[row] > 0)

    def _apply_deed(self, observation: Observation, row: int) -> list[Tally]:
        self._spans.measure(len(self))
        tallies = [self._tally(change, row) for change in self._deeds.add(observation, row)]
        if observation.type in TAKES_BACK:
            tallies.append(Tally(observation.item_no, observation.type, observation.event_millis))
        return tallies

    def _tally(self, change: Change, row: int) -> Tally:
        deeds, place = self._deeds, change.place
        kind = deeds.types[place]
        count = int(change.after > 0.0) - int(change.before > 0.0)
        users = self._takes_to(row)
        self._standing[row] += count
        strength = STRENGTHS[kind] * (change.after - change.before)
        users = self._takes_to(row) - users
        item_no, millis = deeds.item_nos[place], deeds.millis[place]
        if kind != event_types.PURCHASE:
            return Tally(item_no, kind, millis, count, strength, users=users)
        before = self._purchases[row]
        now = self._purchases[row] = before + count
        price = None if deeds.prices[place] == NO_PRICE else deeds.prices[place]
        buyers, intervals = int(now > 0) - int(before > 0), max(now - 1, 0) - max(before - 1, 0)
        span = self._spans.change(row, millis, before, now)
        return Tally(item_no, kind, millis, count, strength, price, buyers, users, intervals, span)

    def _row(self, item_no: int, millis: int) -> int:
        """Returns the item's row with its anchor at `millis` or later."""
        row = self._rows.get(item_no)
        if row is None:
            row = self._rows[item_no] = len(self._rows)
            for name, _ in COLUMNS:
                getattr(self, name).append(0)
            self._purchases.append(0)
            self._standing.append(0)
            self._spans.append()
            self.item_nos[row] = item_no
            self.last_events[row] = millis
        elif millis > self.last_events[row]:
            elapsed = millis - self.last_events[row]
            self.last_events[row] = millis
            self.interest_7d[row] *= decay.weight(elapsed, INTEREST_HALF_LIFE_DAYS)
            self.strength_30d[row] *= decay.weight(elapsed, STRENGTH_HALF_LIFE_DAYS)
        return row

    def merge(self, other: "ItemCounters") -> None:
        """Adds what another visitor, who turned out to be the same person, did."""
        for theirs, item_no in enumerate(other.item_nos):
            row = self._row(item_no, other.last_events[theirs])
            age = self.last_events[row] - other.last_events[theirs]
            self.views[row] += other.views[theirs]
            self.interest_7d[row] += other.interest_7d[theirs] * decay.weight(age, INTEREST_HALF_LIFE_DAYS)
            self.strength_30d[row] += other.strength_30d[theirs] * decay.weight(age, STRENGTH_HALF_LIFE_DAYS)
        self._deeds.merge(other._deeds, np.array(self.item_nos))
        self._count_standing()

    def standing(self) -> StandingDeeds:
        """Returns the deeds that stand."""
        return StandingDeeds(self._deeds, len(self))

    def write(self, features: UserFeatures, query_millis: int, standing: StandingDeeds) -> None:
        """Fills `features.counters`."""
        order = self._newest_by_item_no()
        last_events = np.array(self.last_events, np.int64)
        interest = np.array(self.interest_7d) * decay.weights(last_events, query_millis, INTEREST_HALF_LIFE_DAYS)
        interest += standing.strengths(
            (event_types.FAVORITE, event_types.ADD_TO_CART), query_millis, INTEREST_HALF_LIFE_DAYS
        )
        first, last = standing.purchase_times()
        counters = features.counters
        counters.item_nos.extend(np.array(self.item_nos)[order].tolist())
        counters.view_counts.extend(np.array(self.views)[order].tolist())
        counters.favorite_counts.extend(standing.counts(event_types.FAVORITE)[order].tolist())
        counters.cart_counts.extend(standing.cart_counts()[order].tolist())
        counters.purchase_counts.extend(standing.counts(event_types.PURCHASE)[order].tolist())
        counters.first_purchase_millis.extend(first[order].tolist())
        counters.last_purchase_millis.extend(last[order].tolist())
        counters.last_event_millis.extend(last_events[order].tolist())
        counters.decayed_purchases.extend(standing.purchases(query_millis, PURCHASE_HALF_LIFE_DAYS)[order].tolist())
        counters.decayed_interest.extend(interest[order].tolist())

    def strengths(self, query_millis: int, standing: StandingDeeds) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """Returns each item and the decayed strength of its events, half-life 30 days, both of shape (items,)."""
        factors = decay.weights(np.array(self.last_events, np.int64), query_millis, STRENGTH_HALF_LIFE_DAYS)
        strengths = np.array(self.strength_30d) * factors
        strengths += standing.strengths(tuple(DONE), query_millis, STRENGTH_HALF_LIFE_DAYS)
        return np.array(self.item_nos, np.uint32), strengths

    def save(self, stored: StoredUserState) -> None:
        """Writes rows and deeds into the storage format."""
        for name, _ in COLUMNS:
            setattr(stored.items, name, getattr(self, name).tobytes())
        self._deeds.save(stored.deeds)

    def load(self, stored: StoredUserState) -> None:
        """Reads rows and deeds from the storage format."""
        rows: StoredItemRows = stored.items
        for name, code in COLUMNS:
            setattr(self, name, array(code, getattr(rows, name)))
        self._rows = {item_no: row for row, item_no in enumerate(self.item_nos)}
        self._deeds.load(stored.deeds, np.array(self.item_nos))
        self._count_standing()

    def _count_standing(self) -> None:
        rows, stands = self._deeds.column("rows"), self._deeds.column("shares") > 0.0
        bought = self._deeds.column("types") == event_types.PURCHASE
        self._purchases = self._numbers_by_row(rows[stands & bought])
        self._standing = self._numbers_by_row(rows[stands])
        self._spans.forget()

    def _numbers_by_row(self, rows: NDArray[np.uint32]) -> "array[int]":
        return array("I", np.bincount(rows, minlength=len(self)).astype(np.uint32).tobytes())

    def _newest_by_item_no(self) -> NDArray[np.intp]:
        item_nos = np.array(self.item_nos, np.uint32)
        if len(item_nos) <= MAXIMUM_ITEMS:
            return np.argsort(item_nos)
        newest = np.lexsort((item_nos, np.array(self.last_events)))[-MAXIMUM_ITEMS:]
        return newest[np.argsort(item_nos[newest])]
