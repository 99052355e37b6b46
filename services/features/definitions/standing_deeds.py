from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.common.strengths import STRENGTHS
from services.features.definitions import decay
from services.features.definitions.deeds import NO_PRICE, Deeds

_LONG_AGO: Final = np.iinfo(np.int64).min


class StandingDeeds:
    """What of a user's deeds stands, in columns by the rows of their items: one look for several features."""

    def __init__(self, deeds: Deeds, row_count: int) -> None:
        self._row_count = row_count
        # By time, so that no sum depends on the order of arrival; mostly they come in it.
        order = np.argsort(deeds.column("millis"), kind="stable")
        rows = deeds.column("rows")[order].astype(np.intp)
        types, shares, millis = (deeds.column(name)[order] for name in ("types", "shares", "millis"))
        purchases = types == event_types.PURCHASE
        # What was bought is in the cart no longer, given back or not.
        self._last_purchases = self._last(rows[purchases], millis[purchases])
        stands = shares > 0.0
        self._rows: NDArray[np.intp] = rows[stands]
        self._types: NDArray[np.uint8] = types[stands]
        self._millis: NDArray[np.int64] = millis[stands]
        self._shares: NDArray[np.float64] = shares[stands]
        self._prices: NDArray[np.float64] = deeds.column("prices")[order][stands]

    def counts(self, event_type: int) -> NDArray[np.int64]:
        """Returns how many deeds of a type stand in whole or in part, by row."""
        return np.bincount(self._rows[self._types == event_type], minlength=self._row_count)

    def cart_counts(self) -> NDArray[np.int64]:
        """Returns how many additions to the cart stand that were not bought since, by row."""
        added = self._types == event_types.ADD_TO_CART
        rows = self._rows[added]
        return np.bincount(rows[self._millis[added] > self._last_purchases[rows]], minlength=self._row_count)

    def purchase_times(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the times of the first and the last purchase by row, 0 for none; one of 1970 or before is 1."""
        bought = self._types == event_types.PURCHASE
        rows, millis = self._rows[bought], np.maximum(self._millis[bought], 1)
        first, last = self._last(rows[::-1], millis[::-1]), self._last(rows, millis)
        return np.maximum(first, 0), np.maximum(last, 0)

    def purchases(self, query_millis: int, half_life_days: float) -> NDArray[np.float64]:
        """Returns the purchases by row, each weighing what stands of it times 2^(-age / half-life)."""
        bought = self._types == event_types.PURCHASE
        weights = self._shares[bought] * decay.weights(self._millis[bought], query_millis, half_life_days)
        return self._sums(self._rows[bought], weights)

    def strengths(self, kinds: Sequence[int], query_millis: int, half_life_days: float) -> NDArray[np.float64]:
        """Returns the strengths of deeds of some types by row, decayed like `purchases`."""
        of_type = np.zeros(event_types.COUNT)
        of_type[list(kinds)] = [STRENGTHS[kind] for kind in kinds]
        weights = self._shares * decay.weights(self._millis, query_millis, half_life_days)
        return self._sums(self._rows, of_type[self._types] * weights)

    def prices(self) -> NDArray[np.float64]:
        """Returns the known unit prices of what was put into the cart and bought."""
        priced = (self._types == event_types.ADD_TO_CART) | (self._types == event_types.PURCHASE)
        known: NDArray[np.float64] = self._prices[priced & (self._prices != NO_PRICE)]
        return known

    def _last(self, rows: NDArray[np.intp], values: NDArray[np.int64]) -> NDArray[np.int64]:
        last = np.full(self._row_count, _LONG_AGO, np.int64)
        last[rows] = values  # of several for one row the last one stays
        return last

    def _sums(self, rows: NDArray[np.intp], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(rows, weights, minlength=self._row_count).astype(np.float64, copy=False)
