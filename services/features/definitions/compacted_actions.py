import math
from array import array
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.features.definitions import decay
from services.features.definitions.reversible_actions import NO_PRICE, FinalAction
from vitrine.features.v1.stored_user_state_pb2 import StoredCompactedActions

PURCHASE_HALF_LIFE_DAYS: Final = 60.0

LONG_AGO: Final = int(np.iinfo(np.int64).min)

COLUMNS: Final = (
    ("item_nos", "I"),
    ("cart_counts", "I"),
    ("last_carts", "q"),
    ("last_orders", "q"),
    ("purchase_counts", "I"),
    ("first_purchases", "q"),
    ("last_purchases", "q"),
    ("decayed_purchases", "d"),
)


class CompactedActions:
    """What additions to the cart and purchases come to that are too old to be taken back: sums, a row an item.

    Most users have none. Only what NetActions needs is here; their decayed strength is with the item's other events.
    """

    __slots__ = (
        "_rows",
        "price_count",
        "price_log_sum",
        "price_log_square_sum",
        "rows",
        *(name for name, _ in COLUMNS),
    )

    item_nos: "array[int]"

    cart_counts: "array[int]"
    """Additions that had not been bought when they were compacted."""

    last_carts: "array[int]"
    """The newest of these; a purchase after that takes all of them out of the cart."""

    last_orders: "array[int]"
    """The newest purchase, whether or not it was given back."""

    purchase_counts: "array[int]"
    first_purchases: "array[int]"
    last_purchases: "array[int]"

    decayed_purchases: "array[float]"
    """Purchases as of the last one, half-life PURCHASE_HALF_LIFE_DAYS."""

    def __init__(self) -> None:
        for name, code in COLUMNS:
            setattr(self, name, array(code))
        self.rows = array("I")
        """The rows of the items in the owner's columns; not stored."""
        self._rows: dict[int, int] = {}
        self.price_count = 0
        self.price_log_sum = 0.0
        self.price_log_square_sum = 0.0

    def __len__(self) -> int:
        return len(self.item_nos)

    def column(self, name: str) -> NDArray[Any]:
        """Returns a copy of a column."""
        return np.array(getattr(self, name))

    def add(self, item_no: int, action: FinalAction, last_order: int) -> None:
        """Adds an action; `last_order` is the time of the newest purchase of its item, of all there are."""
        owner_row, kind, millis, share, price = action
        row = self._row(item_no, owner_row)
        self._note_order(row, last_order)
        if kind == event_types.PURCHASE:
            if share > 0.0:
                self._add_purchases(row, 1, millis, millis, share)
        elif kind == event_types.ADD_TO_CART and share > 0.0 and millis > self.last_orders[row]:
            self.cart_counts[row] += 1
            self.last_carts[row] = max(self.last_carts[row], millis)
        if share > 0.0 and price != NO_PRICE and kind in {event_types.PURCHASE, event_types.ADD_TO_CART}:
            logarithm = math.log1p(price)
            self.price_count += 1
            self.price_log_sum += logarithm
            self.price_log_square_sum += logarithm * logarithm

    def merge(self, other: "CompactedActions", row_of: Mapping[int, int]) -> None:
        """Adds what another visitor's actions came to; `row_of` are the rows of the owner's items by item_no."""
        for theirs, item_no in enumerate(other.item_nos):
            if item_no not in row_of:
                continue
            row = self._row(item_no, row_of[item_no])
            self._note_order(row, other.last_orders[theirs])
            if other.last_carts[theirs] > self.last_orders[row]:
                self.cart_counts[row] += other.cart_counts[theirs]
                self.last_carts[row] = max(self.last_carts[row], other.last_carts[theirs])
            if other.purchase_counts[theirs]:
                first, last = other.first_purchases[theirs], other.last_purchases[theirs]
                self._add_purchases(row, other.purchase_counts[theirs], first, last, other.decayed_purchases[theirs])
        self.price_count += other.price_count
        self.price_log_sum += other.price_log_sum
        self.price_log_square_sum += other.price_log_square_sum

    def save(self, stored: StoredCompactedActions) -> None:
        """Writes the sums into their storage format."""
        if not len(self):
            return
        for name, _ in COLUMNS:
            setattr(stored, name, getattr(self, name).tobytes())
        stored.price_count = self.price_count
        stored.price_log_sum = self.price_log_sum
        stored.price_log_square_sum = self.price_log_square_sum

    def load(self, stored: StoredCompactedActions, row_of: Mapping[int, int]) -> None:
        """Reads the sums from their storage format; `row_of` are the owner's rows by item_no."""
        for name, code in COLUMNS:
            setattr(self, name, array(code, getattr(stored, name)))
        self._rows = {item_no: row for row, item_no in enumerate(self.item_nos)}
        self.rows = array("I", [row_of[item_no] for item_no in self.item_nos])
        self.price_count = stored.price_count
        self.price_log_sum = stored.price_log_sum
        self.price_log_square_sum = stored.price_log_square_sum

    def _note_order(self, row: int, millis: int) -> None:
        self.last_orders[row] = max(self.last_orders[row], millis)
        if self.last_orders[row] >= self.last_carts[row]:
            self.cart_counts[row] = 0

    def _add_purchases(self, row: int, count: int, first: int, last: int, decayed: float) -> None:
        """Adds purchases whose decayed sum is as of the last of them."""
        known = self.purchase_counts[row]
        newest = max(self.last_purchases[row], last) if known else last
        self.decayed_purchases[row] *= decay.weight(newest - self.last_purchases[row], PURCHASE_HALF_LIFE_DAYS)
        self.decayed_purchases[row] += decayed * decay.weight(newest - last, PURCHASE_HALF_LIFE_DAYS)
        self.purchase_counts[row] += count
        self.first_purchases[row] = min(self.first_purchases[row], first) if known else first
        self.last_purchases[row] = newest

    def _row(self, item_no: int, owner_row: int) -> int:
        row = self._rows.get(item_no)
        if row is None:
            row = self._rows[item_no] = len(self.item_nos)
            self.item_nos.append(item_no)
            self.rows.append(owner_row)
            for name, _ in COLUMNS[1:]:
                getattr(self, name).append(LONG_AGO if name in {"last_carts", "last_orders"} else 0)
        return row
