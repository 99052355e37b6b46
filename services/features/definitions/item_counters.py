from array import array
from datetime import timedelta
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.common.feature_declaration import FeatureDeclaration
from services.common.strengths import STRENGTHS, strength_of
from services.features.definitions import decay
from services.features.definitions.compacted_actions import LONG_AGO, CompactedActions
from services.features.definitions.net_actions import NetActions
from services.features.definitions.observation import Observation
from services.features.definitions.purchase_spans import PurchaseSpans
from services.features.definitions.reversals import REVERSALS, REVERSIBLE
from services.features.definitions.reversible_actions import MAXIMUM_ACTIONS, NO_PRICE, Change, ReversibleActions
from services.features.definitions.tally import Tally
from vitrine.features.v1.stored_user_state_pb2 import StoredItemRows, StoredUserState
from vitrine.features.v1.user_features_pb2 import UserFeatures

MAXIMUM_ITEMS: Final = 5_000
MAXIMUM_ROWS: Final = 20_000
"""Items that are kept; what's done to others then counts nowhere. No shopper comes near, a till does."""

INTEREST_HALF_LIFE_DAYS: Final = 7.0
STRENGTH_HALF_LIFE_DAYS: Final = 30.0

VIEWS: Final = frozenset({event_types.VIEW, event_types.CLICK, event_types.WATCH})

INTEREST_KINDS: Final = (event_types.FAVORITE, event_types.ADD_TO_CART)
"""What can be taken back, and is interest."""

COLUMNS: Final = (
    ("item_nos", "I"),
    ("views", "I"),
    ("last_events", "q"),
    ("interest_7d", "d"),
    ("strength_30d", "d"),
)


class ItemCounters:
    """What the user did to each item, one row an item, in columns: a heavy user's 1,500 rows are read at numpy's speed.

    What can be taken back is kept action by action, up to a maximum, all else as sums; decayed ones are as of the row's
    last event. Rows are never dropped, since a row that is met again couldn't be told from one that came in
    another order: beyond MAXIMUM_ROWS, events on further items aren't counted.
    """

    DECLARATION: ClassVar = FeatureDeclaration(
        name="counters",
        description="Counts, first and last times and decayed sums for each item that the user dealt with. What was "
        "taken back (refund, unfavorite, remove_from_cart) counts no more, in the part that was taken back. "
        f"The newest {MAXIMUM_ACTIONS:,} favorites, carts and purchases can be taken back, and {MAXIMUM_ROWS:,} items "
        "are kept.",
        unit="events, milliseconds since 1970",
        window=f"all; the {MAXIMUM_ITEMS} last items; half-lives of 60 days (purchases) and 7 days (interest)",
        freshness=timedelta(minutes=5),
    )

    __slots__ = (
        "_actions",
        "_compacted",
        "_purchases",
        "_rows",
        "_spans",
        "_net_counts",
        *(name for name, _ in COLUMNS),
    )

    item_nos: "array[int]"
    views: "array[int]"
    last_events: "array[int]"
    interest_7d: "array[float]"
    strength_30d: "array[float]"

    def __init__(self) -> None:
        for name, code in COLUMNS:
            setattr(self, name, array(code))
        self._rows: dict[int, int] = {}
        self._actions = ReversibleActions()
        self._compacted = CompactedActions()
        self._purchases = array("I")
        """Purchases that count, by row."""
        self._net_counts = array("I")
        """Reversible actions of any kind that count, by row."""
        self._spans = PurchaseSpans(self._actions, self._compacted)

    def __len__(self) -> int:
        return len(self._rows)

    def last_event_millis(self, item_no: int) -> int | None:
        """Returns when the user last did something to the item; None: never."""
        row = self._rows.get(item_no)
        return None if row is None else self.last_events[row]

    def has_room(self, item_no: int) -> bool:
        """Returns whether events on an item can be counted: it's known, or there's room for one more."""
        return item_no in self._rows or len(self._rows) < MAXIMUM_ROWS

    def apply(self, observation: Observation) -> list[Tally]:
        """Counts an event that has an item; impressions are not for here. Returns what it changes for the item."""
        kind, item_no, millis = observation.type, observation.item_no, observation.event_millis
        row = self._row(item_no, millis)
        if kind in REVERSIBLE or kind in REVERSALS:
            return self._apply_reversible(observation, row)
        strength = strength_of(kind, observation.watched_fraction)
        viewed = int(kind in VIEWS)
        if not strength and not viewed:
            return []
        users = 1 - self._interacts(row)
        age = self.last_events[row] - millis
        self.strength_30d[row] += strength * decay.weight(age, STRENGTH_HALF_LIFE_DAYS)
        if viewed:
            self.views[row] += 1
            self.interest_7d[row] += strength * decay.weight(age, INTEREST_HALF_LIFE_DAYS)
        return [Tally(item_no, kind, millis, viewed, strength, users=users)]

    def _interacts(self, row: int) -> int:
        """Returns 1 if anything that the user did with the item counts, else 0."""
        return int(self.views[row] > 0 or self.strength_30d[row] > 0.0 or self._net_counts[row] > 0)

    def _apply_reversible(self, observation: Observation, row: int) -> list[Tally]:
        self._spans.measure(len(self))
        tallies = [self._tally(change, row) for change in self._actions.add(observation, row)]
        if observation.type in REVERSALS:
            tallies.append(Tally(observation.item_no, observation.type, observation.event_millis))
        self._compact()
        return tallies

    def _compact(self) -> None:
        """Makes sums of the actions that are too many."""
        if not self._actions.is_full:
            return
        purchases = self._actions.column("types") == event_types.PURCHASE
        last_orders = np.full(len(self), LONG_AGO, np.int64)
        np.maximum.at(last_orders, self._actions.column("rows")[purchases], self._actions.column("millis")[purchases])
        for action in self._actions.take_final():
            row = action.row
            self._compacted.add(self.item_nos[row], action, int(last_orders[row]))
            strength, age = STRENGTHS[action.type] * action.share, self.last_events[row] - action.millis
            if strength > 0.0:
                self.strength_30d[row] += strength * decay.weight(age, STRENGTH_HALF_LIFE_DAYS)
                if action.type in INTEREST_KINDS:
                    self.interest_7d[row] += strength * decay.weight(age, INTEREST_HALF_LIFE_DAYS)

    def _tally(self, change: Change, row: int) -> Tally:
        actions, place = self._actions, change.place
        kind = actions.types[place]
        count = int(change.after > 0.0) - int(change.before > 0.0)
        users = self._interacts(row)
        self._net_counts[row] += count
        strength = STRENGTHS[kind] * (change.after - change.before)
        users = self._interacts(row) - users
        item_no, millis = actions.item_nos[place], actions.millis[place]
        if kind != event_types.PURCHASE:
            return Tally(item_no, kind, millis, count, strength, users=users)
        before = self._purchases[row]
        now = self._purchases[row] = before + count
        price = None if actions.prices[place] == NO_PRICE else actions.prices[place]
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
            self._net_counts.append(0)
            self._spans.append()
            self.item_nos[row] = item_no
            self.last_events[row] = millis
        elif millis > self.last_events[row]:
            elapsed = millis - self.last_events[row]
            self.last_events[row] = millis
            self.interest_7d[row] *= decay.weight(elapsed, INTEREST_HALF_LIFE_DAYS)
            self.strength_30d[row] *= decay.weight(elapsed, STRENGTH_HALF_LIFE_DAYS)
        return row

    def merge(self, other: "ItemCounters") -> int:
        """Adds what another visitor, who turned out to be the same person, did. Returns how many views and reversible
        actions there is no room for.
        """
        missed, missed_views = [], 0
        for theirs, item_no in enumerate(other.item_nos):
            if not self.has_room(item_no):
                missed.append(item_no)
                missed_views += other.views[theirs]
                continue
            row = self._row(item_no, other.last_events[theirs])
            age = self.last_events[row] - other.last_events[theirs]
            self.views[row] += other.views[theirs]
            self.interest_7d[row] += other.interest_7d[theirs] * decay.weight(age, INTEREST_HALF_LIFE_DAYS)
            self.strength_30d[row] += other.strength_30d[theirs] * decay.weight(age, STRENGTH_HALF_LIFE_DAYS)
        self._actions.merge(other._actions, np.array(self.item_nos))
        self._compacted.merge(other._compacted, self._rows)
        self._compact()
        self._count_net()
        return missed_views + int(np.isin(other._actions.column("item_nos"), missed).sum())

    def net_actions(self) -> NetActions:
        """Returns the actions that stand."""
        return NetActions(self._actions, self._compacted, len(self))

    def write(self, features: UserFeatures, query_millis: int, net: NetActions) -> None:
        """Fills `features.counters`."""
        order = self._newest_by_item_no()
        last_events = np.array(self.last_events, np.int64)
        interest = np.array(self.interest_7d) * decay.weights(last_events, query_millis, INTEREST_HALF_LIFE_DAYS)
        interest += net.strengths(INTEREST_KINDS, query_millis, INTEREST_HALF_LIFE_DAYS)
        first, last = net.purchase_times()
        counters = features.counters
        counters.item_nos.extend(np.array(self.item_nos)[order].tolist())
        counters.view_counts.extend(np.array(self.views)[order].tolist())
        counters.favorite_counts.extend(net.favorite_counts()[order].tolist())
        counters.cart_counts.extend(net.cart_counts()[order].tolist())
        counters.purchase_counts.extend(net.purchase_counts()[order].tolist())
        counters.first_purchase_millis.extend(first[order].tolist())
        counters.last_purchase_millis.extend(last[order].tolist())
        counters.last_event_millis.extend(last_events[order].tolist())
        counters.decayed_purchases.extend(net.purchases(query_millis)[order].tolist())
        counters.decayed_interest.extend(interest[order].tolist())

    def strengths(self, query_millis: int, net: NetActions) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """Returns each item and the decayed strength of its events, half-life 30 days, both of shape (items,)."""
        factors = decay.weights(np.array(self.last_events, np.int64), query_millis, STRENGTH_HALF_LIFE_DAYS)
        strengths = np.array(self.strength_30d) * factors
        strengths += net.strengths(tuple(REVERSIBLE), query_millis, STRENGTH_HALF_LIFE_DAYS)
        return np.array(self.item_nos, np.uint32), strengths

    def save(self, stored: StoredUserState) -> None:
        """Writes rows and actions into the storage format."""
        for name, _ in COLUMNS:
            setattr(stored.items, name, getattr(self, name).tobytes())
        self._actions.save(stored.reversible_actions)
        self._compacted.save(stored.compacted_actions)

    def load(self, stored: StoredUserState) -> None:
        """Reads rows and actions from the storage format."""
        rows: StoredItemRows = stored.items
        for name, code in COLUMNS:
            setattr(self, name, array(code, getattr(rows, name)))
        self._rows = {item_no: row for row, item_no in enumerate(self.item_nos)}
        self._actions.load(stored.reversible_actions, np.array(self.item_nos))
        self._compacted.load(stored.compacted_actions, self._rows)
        self._compact()
        self._count_net()

    def _count_net(self) -> None:
        rows, stands = self._actions.column("rows"), self._actions.column("shares") > 0.0
        bought = self._actions.column("types") == event_types.PURCHASE
        purchases = np.bincount(rows[stands & bought], minlength=len(self))
        net_counts = np.bincount(rows[stands], minlength=len(self))
        old_rows, old_purchases = self._compacted.column("rows"), self._compacted.column("purchase_counts")
        purchases[old_rows] += old_purchases
        net_counts[old_rows] += old_purchases
        self._purchases = array("I", purchases.astype(np.uint32).tobytes())
        self._net_counts = array("I", net_counts.astype(np.uint32).tobytes())
        self._spans.forget()

    def _newest_by_item_no(self) -> NDArray[np.intp]:
        item_nos = np.array(self.item_nos, np.uint32)
        if len(item_nos) <= MAXIMUM_ITEMS:
            return np.argsort(item_nos)
        newest = np.lexsort((item_nos, np.array(self.last_events)))[-MAXIMUM_ITEMS:]
        return newest[np.argsort(item_nos[newest])]
