from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.common import event_types
from services.common.strengths import STRENGTHS
from services.features.definitions import decay
from services.features.definitions.compacted_actions import (
    LONG_AGO,
    PURCHASE_HALF_LIFE_DAYS,
    CompactedActions,
)
from services.features.definitions.reversible_actions import NO_PRICE, ReversibleActions


class NetActions:
    """What counts of a user's actions, in columns by the rows of their items: one look for several features."""

    def __init__(self, actions: ReversibleActions, compacted: CompactedActions, row_count: int) -> None:
        self._row_count = row_count
        # By time, so that no sum depends on the order of arrival; mostly they come in it.
        order = np.argsort(actions.column("millis"), kind="stable")
        places = actions.column("rows")[order].astype(np.intp)
        types, shares, millis = (actions.column(name)[order] for name in ("types", "shares", "millis"))
        purchases = types == event_types.PURCHASE
        # What was bought is in the cart no longer, given back or not.
        self._last_orders = self._last(places[purchases], millis[purchases])
        self._compacted = compacted
        self._compacted_rows = compacted.column("rows").astype(np.intp)
        if len(compacted):
            last_orders = compacted.column("last_orders")
            self._last_orders[self._compacted_rows] = np.maximum(self._last_orders[self._compacted_rows], last_orders)
        counts = shares > 0.0
        self._rows: NDArray[np.intp] = places[counts]
        self._types: NDArray[np.uint8] = types[counts]
        self._millis: NDArray[np.int64] = millis[counts]
        self._shares: NDArray[np.float64] = shares[counts]
        self._prices: NDArray[np.float64] = actions.column("prices")[order][counts]

    def favorite_counts(self) -> NDArray[np.int64]:
        """Returns 1 for favorites, else 0, by row."""
        return np.bincount(self._rows[self._types == event_types.FAVORITE], minlength=self._row_count)

    def purchase_counts(self) -> NDArray[np.int64]:
        """Returns how many purchases count in whole or in part, by row."""
        counts = np.bincount(self._rows[self._types == event_types.PURCHASE], minlength=self._row_count)
        counts[self._compacted_rows] += self._compacted.column("purchase_counts")
        return counts

    def cart_counts(self) -> NDArray[np.int64]:
        """Returns how many additions to the cart count that were not bought since, by row."""
        added = self._types == event_types.ADD_TO_CART
        rows = self._rows[added]
        counts = np.bincount(rows[self._millis[added] > self._last_orders[rows]], minlength=self._row_count)
        compacted = self._compacted
        in_cart = compacted.column("last_carts") > self._last_orders[self._compacted_rows]
        counts[self._compacted_rows] += np.where(in_cart, compacted.column("cart_counts"), 0)
        return counts

    def purchase_times(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the times of the first and the last purchase by row, 0 for none; one of 1970 or before is 1."""
        bought = self._types == event_types.PURCHASE
        rows, millis = self._rows[bought], np.maximum(self._millis[bought], 1)
        first, last = np.maximum(self._last(rows[::-1], millis[::-1]), 0), np.maximum(self._last(rows, millis), 0)
        has_any = self._compacted.column("purchase_counts") > 0
        old = self._compacted_rows[has_any]
        old_first = np.maximum(self._compacted.column("first_purchases")[has_any], 1)
        old_last = np.maximum(self._compacted.column("last_purchases")[has_any], 1)
        first[old] = np.where(first[old] > 0, np.minimum(first[old], old_first), old_first)
        last[old] = np.maximum(last[old], old_last)
        return first, last

    def purchases(self, query_millis: int) -> NDArray[np.float64]:
        """Returns the purchases by row, each weighing what counts of it times 2^(-age / half-life)."""
        bought = self._types == event_types.PURCHASE
        weights = self._shares[bought] * decay.weights(self._millis[bought], query_millis, PURCHASE_HALF_LIFE_DAYS)
        sums = self._sums(self._rows[bought], weights)
        last, old = self._compacted.column("last_purchases"), self._compacted.column("decayed_purchases")
        sums[self._compacted_rows] += old * decay.weights(last, query_millis, PURCHASE_HALF_LIFE_DAYS)
        return sums

    def strengths(self, kinds: Sequence[int], query_millis: int, half_life_days: float) -> NDArray[np.float64]:
        """Returns the strengths of actions of some types by row, decayed like `purchases`; without compacted ones."""
        of_type = np.zeros(event_types.COUNT)
        of_type[list(kinds)] = [STRENGTHS[kind] for kind in kinds]
        weights = self._shares * decay.weights(self._millis, query_millis, half_life_days)
        return self._sums(self._rows, of_type[self._types] * weights)

    def log_prices(self) -> tuple[int, float, float]:
        """Returns count, mean and variance of ln(1 + price) of what was put into the cart and bought; 0 for none."""
        priced = (self._types == event_types.ADD_TO_CART) | (self._types == event_types.PURCHASE)
        logarithms = np.log1p(self._prices[priced & (self._prices != NO_PRICE)])
        compacted = self._compacted
        if not compacted.price_count and not len(logarithms):
            return 0, 0.0, 0.0
        if not compacted.price_count:
            return len(logarithms), float(logarithms.mean()), float(logarithms.var())
        count = len(logarithms) + compacted.price_count
        mean = (float(logarithms.sum()) + compacted.price_log_sum) / count
        squares = float((logarithms**2).sum()) + compacted.price_log_square_sum
        return count, mean, max(squares / count - mean * mean, 0.0)

    def _last(self, rows: NDArray[np.intp], values: NDArray[np.int64]) -> NDArray[np.int64]:
        last = np.full(self._row_count, LONG_AGO, np.int64)
        last[rows] = values  # of several for one row the last one stays
        return last

    def _sums(self, rows: NDArray[np.intp], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(rows, weights, minlength=self._row_count).astype(np.float64, copy=False)
