"""The value of a card: weighted action probabilities, optionally times the item's price or margin."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from services.ranker.scorers import Probabilities
from vitrine.ranker.v1.ranker_service_pb2 import Action

Factor = Callable[[NDArray[np.uint32]], NDArray[np.float32]]
"""Price or margin of the items (by item_no), NaN if unknown."""


class ValueModel:
    """value = factor × Σ weight(action) × probability(action).

    Without a factor it's 1. `unknown_factor` replaces unknown ones: a constant, not a mean of the others, so that a
    candidate's value doesn't depend on the other candidates.
    """

    def __init__(
        self, weights: Mapping["Action.ValueType", float], factor: Factor | None = None, unknown_factor: float = 1.0
    ) -> None:
        self._weights = weights
        self._factor = factor
        self._unknown_factor = unknown_factor

    def values(self, item_nos: NDArray[np.uint32], probabilities: Probabilities) -> tuple[NDArray[np.float32], int]:
        """Returns float32[n], all finite, and how many weren't: those get less than every other."""
        total = np.zeros(len(item_nos), np.float64)
        for action, column in probabilities.items():
            total += self._weights.get(action, 0.0) * column
        if self._factor is not None:
            factor = self._factor(item_nos).astype(np.float64)
            total *= np.where(np.isfinite(factor), factor, self._unknown_factor)
        with np.errstate(over="ignore"):
            values = total.astype(np.float32)
        finite = np.isfinite(values)
        if finite.all():
            return values, 0
        least = float(values[finite].min(initial=0.0))
        # One below the least, or a fraction of it below if 1 is lost to float32 rounding.
        values[~finite] = max(least - max(1.0, abs(least) * 1e-3), -float(np.finfo(np.float32).max))
        return values, int(len(values) - np.count_nonzero(finite))
