from array import array

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.features.definitions.compacted_actions import CompactedActions
from services.features.definitions.reversible_actions import ReversibleActions


class PurchaseSpans:
    """From when to when a user bought each item: the first and the last purchase that counts, by row.

    It follows from the actions and is not stored; kept beside them, so that one more purchase need not look at all. Who
    only reads a user's state does not wait for it.
    """

    __slots__ = ("_actions", "_compacted", "_first", "_last", "_measured")

    def __init__(self, actions: ReversibleActions, compacted: CompactedActions) -> None:
        self._actions = actions
        self._compacted = compacted
        self._first = array("q")
        self._last = array("q")
        self._measured = True

    def append(self) -> None:
        """Adds a row without a purchase."""
        self._first.append(0)
        self._last.append(0)

    def change(self, row: int, millis: int, before: int, now: int) -> int:
        """Takes in that a purchase of `millis` came or went, and returns by how much the row's span grew.

        `before` and `now` are how many purchases of the row count.
        """
        span = self._last[row] - self._first[row]
        if not now:
            self._first[row] = self._last[row] = 0
        elif now < before:
            self._measure_row(row)
        elif not before:
            self._first[row] = self._last[row] = millis
        elif now > before:
            self._first[row] = min(self._first[row], millis)
            self._last[row] = max(self._last[row], millis)
        return self._last[row] - self._first[row] - span

    def forget(self) -> None:
        """Is told that the actions are others than before."""
        self._measured = False

    def measure(self, row_count: int) -> None:
        """Measures all rows if they aren't: before an action comes that changes them."""
        if self._measured:
            return
        rows, millis = self._net_purchases()
        order = np.argsort(millis, kind="stable")
        first, last = np.zeros((2, row_count), np.int64)
        last[rows[order]] = millis[order]  # of several for one row the last one stays
        first[rows[order[::-1]]] = millis[order[::-1]]
        self._first, self._last = array("q", first.tobytes()), array("q", last.tobytes())
        self._measured = True

    def _measure_row(self, row: int) -> None:
        rows, millis = self._net_purchases()
        own = millis[rows == row]
        # One refund may take several purchases back, which are counted one after the other: none may be left already.
        self._first[row], self._last[row] = (int(own.min()), int(own.max())) if len(own) else (0, 0)

    def _net_purchases(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        actions = self._actions
        bought = (actions.column("types") == event_types.PURCHASE) & (actions.column("shares") > 0.0)
        rows, millis = actions.column("rows")[bought], actions.column("millis")[bought]
        old = self._compacted
        if not len(old):
            return rows, millis
        has_any = old.column("purchase_counts") > 0
        old_rows, first, last = (old.column(name)[has_any] for name in ("rows", "first_purchases", "last_purchases"))
        return np.concatenate([rows, old_rows, old_rows]), np.concatenate([millis, first, last])
