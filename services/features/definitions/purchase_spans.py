from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.features.definitions.deeds import Deeds

_NEVER: Final = np.iinfo(np.int64).max


class PurchaseSpans:
    """From when to when a user bought each item: the first and the last purchase that stands, by row of `deeds`.

    It follows from the deeds and is not stored; kept beside them, so that one more purchase need not look at all.
    """

    __slots__ = ("_deeds", "_first", "_last")

    def __init__(self, deeds: Deeds) -> None:
        self._deeds = deeds
        self._first = array("q")
        self._last = array("q")

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

    def measure(self, row_count: int) -> None:
        """Measures all rows anew."""
        rows, millis = self._standing()
        first, last = np.full(row_count, _NEVER), np.full(row_count, -_NEVER)
        np.minimum.at(first, rows, millis)
        np.maximum.at(last, rows, millis)
        bought = first < _NEVER
        self._first = array("q", np.where(bought, first, 0).tobytes())
        self._last = array("q", np.where(bought, last, 0).tobytes())

    def _measure_row(self, row: int) -> None:
        rows, millis = self._standing()
        own = millis[rows == row]
        # One refund may take several purchases back, which are counted one after the other: none may be left already.
        self._first[row], self._last[row] = (int(own.min()), int(own.max())) if len(own) else (0, 0)

    def _standing(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        deeds = self._deeds
        bought = (deeds.column("types") == event_types.PURCHASE) & (deeds.column("shares") > 0.0)
        return deeds.column("rows")[bought], deeds.column("millis")[bought]
