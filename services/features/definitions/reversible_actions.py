from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.features.definitions.observation import Observation
from services.features.definitions.reversals import REVERSALS, REVERSIBLE, Action, settle
from vitrine.features.v1.stored_user_state_pb2 import StoredReversibleActions

COLUMNS: Final = (
    ("item_nos", "I"),
    ("types", "B"),
    ("millis", "q"),
    ("ties", "I"),
    ("quantities", "d"),
    ("orders", "Q"),
    ("prices", "d"),
)
NO_PRICE: Final = -1.0

MAXIMUM_ACTIONS: Final = 4_096
MAXIMUM_ACTIONS_OF_ITEM: Final = 256
"""A reversal settles all actions of its item anew: some tenths of a millisecond."""

_KEPT_SHARE: Final = 0.75
"""How much of a maximum stays reversible when the rest is compacted, so that it isn't compacted at each event."""

_SETTLING: Final = REVERSALS | {event_types.FAVORITE}
"""Types after which an item's actions must be settled anew."""

_IS_REVERSIBLE: Final = np.array([number in REVERSIBLE for number in range(256)])
_IS_SETTLING: Final = np.array([number in _SETTLING for number in range(256)])
_IS_MARK: Final = np.array([number in {event_types.FAVORITE, event_types.UNFAVORITE} for number in range(256)])


class Change(NamedTuple):
    """How much of an action counted before an event, and counts after it."""

    place: int
    before: float
    after: float


class FinalAction(NamedTuple):
    """An action that can't be taken back any more."""

    row: int
    type: int
    millis: int
    share: float
    price: float


class ReversibleActions:
    """Favorites, additions to the cart and purchases, and their reversals, in columns.

    A reversal may come at any time, before its action or years after it. So all are kept, up to MAXIMUM_ACTIONS; beyond
    that the oldest become final (see `take_final`). `shares` says how much of each counts (see `settle`); it follows
    from the rest and isn't stored. `rows` are the rows of the items in the owner's columns.
    """

    __slots__ = ("_crowded_item", "_limit", "_settled_items", "rows", "shares", *(name for name, _ in COLUMNS))

    item_nos: "array[int]"
    types: "array[int]"
    millis: "array[int]"
    ties: "array[int]"
    quantities: "array[float]"
    orders: "array[int]"
    prices: "array[float]"

    def __init__(self) -> None:
        for name, code in COLUMNS:
            setattr(self, name, array(code))
        self.rows = array("I")
        self.shares = array("d")
        self._settled_items: set[int] = set()
        self._crowded_item = 0
        self._limit = MAXIMUM_ACTIONS

    def __len__(self) -> int:
        return len(self.item_nos)

    def column(self, name: str) -> NDArray[Any]:
        """Returns a copy of a column, in the order of arrival."""
        return np.array(getattr(self, name))

    def add(self, observation: Observation, row: int) -> list[Change]:
        """Adds an action on the item of `row`; returns whatever counts otherwise than before, the new one included."""
        item_no, kind = observation.item_no, observation.type
        self.item_nos.append(item_no)
        self.types.append(kind)
        self.millis.append(observation.event_millis)
        self.ties.append(observation.tie_break)
        self.quantities.append(observation.quantity)
        self.orders.append(observation.order_hash)
        self.prices.append(NO_PRICE if observation.unit_price is None else observation.unit_price)
        self.rows.append(row)
        if kind in _SETTLING:
            self._settled_items.add(item_no)
        if item_no in self._settled_items:
            self.shares.append(0.0)
            return self._settle(item_no)
        self.shares.append(1.0)
        return [Change(len(self) - 1, 0.0, 1.0)]

    def merge(self, other: "ReversibleActions", item_nos: NDArray[np.uint32]) -> None:
        """Takes over another visitor's actions on the items of the owner's rows, `item_nos`."""
        known = np.isin(other.column("item_nos"), item_nos)
        for name, code in (*COLUMNS, ("shares", "d")):
            getattr(self, name).extend(array(code, other.column(name)[known].tobytes()))
        self._index(item_nos)

    @property
    def is_full(self) -> bool:
        """Whether the oldest actions are to become final (see `take_final`): of all items, or of one."""
        return len(self) > self._limit or self._crowded_item > 0

    def take_final(self) -> list[FinalAction]:
        """Removes and returns the oldest actions, if there are too many: they can't be taken back any more.

        What the newest mark of an item says is never too old: at most one FAVORITE counts for an item. A reversal that
        stays takes back that much less.
        """
        of_all_items = len(self) > self._limit
        if of_all_items:
            old = _oldest(self.column("millis"), int(MAXIMUM_ACTIONS * _KEPT_SHARE))
        else:
            of_item = np.flatnonzero(self.column("item_nos") == self._crowded_item)
            old = np.zeros(len(self), np.bool_)
            old[of_item] = _oldest(self.column("millis")[of_item], int(MAXIMUM_ACTIONS_OF_ITEM * _KEPT_SHARE))
        self._crowded_item = 0
        old &= ~self._newest_marks()
        for item_no in self._settled_items.intersection(self.column("item_nos")[old].tolist()):
            self._release(item_no, old)
        columns = (self.column(name)[old].tolist() for name in ("rows", "types", "millis", "shares", "prices"))
        final = [FinalAction(*values) for values in zip(*columns, strict=True)]
        for name, code in (*COLUMNS, ("rows", "I"), ("shares", "d")):
            setattr(self, name, array(code, self.column(name)[~old].tobytes()))
        self._settled_items = set(self.column("item_nos")[_IS_SETTLING[self.column("types")]].tolist())
        if of_all_items:
            # Marks may leave more than the maximum: then it isn't tried again at each event.
            self._limit = max(MAXIMUM_ACTIONS, len(self) + MAXIMUM_ACTIONS // 4)
        return final

    def save(self, stored: StoredReversibleActions) -> None:
        """Writes the actions into their storage format."""
        for name, _ in COLUMNS:
            setattr(stored, name, getattr(self, name).tobytes())

    def load(self, stored: StoredReversibleActions, item_nos: NDArray[np.uint32]) -> None:
        """Reads the actions from their storage format; `item_nos` are the items of the owner's rows."""
        for name, code in COLUMNS:
            setattr(self, name, array(code, getattr(stored, name)))
        self.shares = array("d", _IS_REVERSIBLE[self.column("types")].astype(np.float64).tobytes())
        self._index(item_nos)

    def _index(self, item_nos: NDArray[np.uint32]) -> None:
        """Finds again what isn't stored."""
        order = np.argsort(item_nos)
        rows = order[np.searchsorted(item_nos, self.column("item_nos"), sorter=order)]
        self.rows = array("I", rows.astype(np.uint32).tobytes())
        self._settled_items = set(self.column("item_nos")[_IS_SETTLING[self.column("types")]].tolist())
        self._settle_all(self._settled_items)

    def _newest_marks(self) -> NDArray[np.bool_]:
        """Returns which are the newest FAVORITE or UNFAVORITE of their item, of those at the very same time all."""
        marks = np.flatnonzero(_IS_MARK[self.column("types")])
        item_nos, millis = self.column("item_nos")[marks], self.column("millis")[marks]
        newest = np.zeros(len(self), np.bool_)
        if len(marks):
            _, items = np.unique(item_nos, return_inverse=True)
            last = np.full(int(items.max()) + 1, np.iinfo(np.int64).min)
            np.maximum.at(last, items, millis)
            newest[marks] = millis == last[items]
        return newest

    def _release(self, item_no: int, old: NDArray[np.bool_]) -> None:
        """Takes out of an item's reversals what they took from old actions.

        An old reversal stays (it's taken out of `old`) if it took from an action that stays: a clock ran behind.
        """
        places = self._places(item_no)
        takings = settle([self._action(place) for place in places]).takings
        for taking in takings:
            if not old[places[taking.action]]:
                old[places[taking.reversal]] = False
        for taking in takings:
            if old[places[taking.action]]:
                rest = self.quantities[places[taking.reversal]] - taking.quantity
                self.quantities[places[taking.reversal]] = max(rest, 0.0)

    def _settle_all(self, item_nos: Iterable[int]) -> None:
        for item_no in item_nos:
            self._settle(item_no)

    def _settle(self, item_no: int) -> list[Change]:
        places = self._places(item_no)
        if len(places) > MAXIMUM_ACTIONS_OF_ITEM:
            self._crowded_item = item_no
        shares = settle([self._action(place) for place in places]).shares
        changes = []
        for place, share in zip(places, shares, strict=True):
            if share != self.shares[place]:
                changes.append(Change(place, self.shares[place], share))
                self.shares[place] = share
        return changes

    def _places(self, item_no: int) -> Sequence[int]:
        places: Sequence[int] = np.flatnonzero(np.frombuffer(self.item_nos, np.uint32) == item_no).tolist()
        return places

    def _action(self, place: int) -> Action:
        return Action(
            self.types[place], self.millis[place], self.ties[place], self.quantities[place], self.orders[place]
        )


def _oldest(millis: NDArray[np.int64], kept: int) -> NDArray[np.bool_]:
    """Returns which are not among the `kept` newest; of those at the same time either all are or none is."""
    last = len(millis) - kept - 1
    old: NDArray[np.bool_] = millis <= np.partition(millis, last)[last]
    return old
