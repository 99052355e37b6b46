"""Looks candidates up in a user's columns: sorted keys, so that the cost grows with the candidates' number."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def places(keys: NDArray[Any], wanted: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Returns where each of `wanted` stands in the ascending `keys`, and whether it does (the place is 0 if not)."""
    if not len(keys):
        return np.zeros(len(wanted), np.intp), np.zeros(len(wanted), np.bool_)
    found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    present = keys[found] == wanted
    return np.where(present, found, 0), present


def values_at(
    column: NDArray[Any], place: NDArray[np.intp], present: NDArray[np.bool_], default: float = 0.0
) -> NDArray[np.float64]:
    """Returns `column` at each place, `default` where there is none; shape of `place`."""
    if not len(column):
        return np.full(len(place), default)
    return np.where(present, column[place], default).astype(np.float64)


class Totals:
    """Sums and maxima of weighted rows by key, to be looked up by other rows' keys. Key 0 is none and is left out."""

    def __init__(self, keys: NDArray[Any]) -> None:
        self._kept = np.flatnonzero(keys > 0)
        kept = keys[self._kept]
        self._order = np.argsort(kept, kind="stable")
        ordered = kept[self._order]
        first = np.ones(len(ordered), np.bool_)
        first[1:] = ordered[1:] != ordered[:-1]
        self._begins = np.flatnonzero(first)
        self.keys = ordered[self._begins]

    def sums(self, weights: NDArray[Any]) -> NDArray[np.float64]:
        """Returns the sum of `weights` (one per row) for each of `keys`."""
        return self._reduced(np.add, weights)

    def greatest(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Returns the greatest of `values` (one per row) for each of `keys`."""
        return self._reduced(np.maximum, values)

    def _reduced(self, how: np.ufunc, values: NDArray[Any]) -> NDArray[np.float64]:
        if not len(self.keys):
            return np.zeros(0)
        reduced: NDArray[np.float64] = how.reduceat(values[self._kept][self._order].astype(np.float64), self._begins)
        return reduced
