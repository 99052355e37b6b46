from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.features.definitions.observation import Observation
from services.features.definitions.taking_back import DONE, TAKES_BACK, Deed, standing_shares
from vitrine.features.v1.stored_user_state_pb2 import StoredDeeds

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

_SETTLING: Final = TAKES_BACK | {event_types.FAVORITE}
"""Types after which it must be settled anew what of an item's deeds stands."""

_IS_DONE: Final = np.array([number in DONE for number in range(256)])
_IS_SETTLING: Final = np.array([number in _SETTLING for number in range(256)])


class Change(NamedTuple):
    """How much of a deed stood before an event, and stands after it."""

    place: int
    before: float
    after: float


class Deeds:
    """Favorites, additions to the cart and purchases, and all that takes them back: every one of them, in columns.

    None is ever dropped: what takes one back may come at any time, before it or years after it. `shares` says how much
    of each stands (see `standing_shares`); it follows from the rest and is not stored. `rows` are the rows of the items
    in the owner's columns.
    """

    __slots__ = ("_settled_items", "rows", "shares", *(name for name, _ in COLUMNS))

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

    def __len__(self) -> int:
        return len(self.item_nos)

    def column(self, name: str) -> NDArray[Any]:
        """Returns a copy of a column, in the order of arrival."""
        return np.array(getattr(self, name))

    def add(self, observation: Observation, row: int) -> list[Change]:
        """Adds a deed on the item of `row`; returns whatever stands otherwise than before, the deed itself included."""
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

    def merge(self, other: "Deeds", item_nos: NDArray[np.uint32]) -> None:
        """Takes over another visitor's deeds; `item_nos` are the items of the owner's rows."""
        for name, _ in COLUMNS:
            getattr(self, name).extend(getattr(other, name))
        self.rows = _rows_of(self.column("item_nos"), item_nos)
        self.shares.extend(other.shares)
        self._settled_items |= other._settled_items
        self._settle_all(self._settled_items)

    def save(self, stored: StoredDeeds) -> None:
        """Writes the deeds into their storage format."""
        for name, _ in COLUMNS:
            setattr(stored, name, getattr(self, name).tobytes())

    def load(self, stored: StoredDeeds, item_nos: NDArray[np.uint32]) -> None:
        """Reads the deeds from their storage format; `item_nos` are the items of the owner's rows."""
        for name, code in COLUMNS:
            setattr(self, name, array(code, getattr(stored, name)))
        self.rows = _rows_of(self.column("item_nos"), item_nos)
        types = self.column("types")
        self.shares = array("d", _IS_DONE[types].astype(np.float64).tobytes())
        self._settled_items = set(self.column("item_nos")[_IS_SETTLING[types]].tolist())
        self._settle_all(self._settled_items)

    def _settle_all(self, item_nos: Iterable[int]) -> None:
        for item_no in item_nos:
            self._settle(item_no)

    def _settle(self, item_no: int) -> list[Change]:
        places: Sequence[int] = np.flatnonzero(np.frombuffer(self.item_nos, np.uint32) == item_no).tolist()
        shares = standing_shares([self._deed(place) for place in places])
        changes = []
        for place, share in zip(places, shares, strict=True):
            if share != self.shares[place]:
                changes.append(Change(place, self.shares[place], share))
                self.shares[place] = share
        return changes

    def _deed(self, place: int) -> Deed:
        return Deed(self.types[place], self.millis[place], self.ties[place], self.quantities[place], self.orders[place])


def _rows_of(wanted: NDArray[np.uint32], item_nos: NDArray[np.uint32]) -> "array[int]":
    order = np.argsort(item_nos)
    return array("I", order[np.searchsorted(item_nos, wanted, sorter=order)].astype(np.uint32).tobytes())
