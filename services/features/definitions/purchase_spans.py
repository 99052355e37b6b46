from array import array

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.features.definitions.deeds import Deeds


class PurchaseSpans:
    """From when to when a user bought each item: the first and the last purchase that stands, by row of `deeds`.

    It follows from the deeds and is not stored; kept beside them, so that one more purchase need not look at all. Who
    only reads a user's state does not wait for it.
    """

    __slots__ = ("_deeds", "_first", "_last", "_measured")

    def __init__(self, deeds: Deeds) -> None:
        self._deeds = deeds
        self._first = array("q")
        self._last = array("q")
        self._measured = True

    def append(self) -> None:
        """Adds a row without a purchase."""
        self._first.append(0)
        self._last.append(0)

    def change(self, row: int, millis: int, before: int, now: int) -> int:
        """Takes in that a purchase of `millis` came or went, and returns by how much the row's span grew.

        `before` and `now` are how many purchases of the row stand.
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
        """Is told that the deeds are others than before."""
        self._measured = False

    def measure(self, row_count: int) -> None:
        """Measures all rows where they are not: before a deed comes that changes them."""
        if self._measured:
            return
        rows, millis = self._standing()
        order = np.argsort(millis, kind="stable")
        first, last = np.zeros((2, row_count), np.int64)
        last[rows[order]] = millis[order]  # of several for one row the last one stays
        first[rows[order[::-1]]] = millis[order[::-1]]
        self._first, self._last = array("q", first.tobytes()), array("q", last.tobytes())
        self._measured = True

    def _measure_row(self, row: int) -> None:
        rows, millis = self._standing()
        own = millis[rows == row]
        # One refund may take several purchases back, which are counted one after the other: none may be left already.
        self._first[row], self._last[row] = (int(own.min()), int(own.max())) if len(own) else (0, 0)

    def _standing(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        deeds = self._deeds
        bought = (deeds.column("types") == event_types.PURCHASE) & (deeds.column("shares") > 0.0)
        return deeds.column("rows")[bought], deeds.column("millis")[bought]
