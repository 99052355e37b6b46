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
    columns: NDArray[Any], place: NDArray[np.intp], present: NDArray[np.bool_], default: float = 0.0
) -> NDArray[np.float64]:
    """Returns the columns' values (shape (..., keys)) at each place, `default` where there is none: (..., places)."""
    if not columns.shape[-1]:
        return np.full((*columns.shape[:-1], len(place)), default)
    return np.where(present, columns.take(place, axis=-1), default).astype(np.float64, copy=False)


class Totals:
    """Sums and maxima of weighted rows by key, to be looked up by other rows' keys. Key 0 is none and is left out."""

    def __init__(self, keys: NDArray[Any]) -> None:
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        kept = np.searchsorted(ordered, 0, side="right")
        self._order, ordered = order[kept:], ordered[kept:]
        bounds = np.ones(len(ordered) + 1, np.bool_)
        bounds[1:-1] = ordered[1:] != ordered[:-1]
        ends = np.flatnonzero(bounds)
        self._begins = ends[:-1]
        self.keys = ordered[self._begins]
        self.counts = (ends[1:] - self._begins).astype(np.float64)
        """How many rows each of `keys` has."""

    def sums(self, weights: NDArray[Any]) -> NDArray[np.float64]:
        """Returns the sums of `weights` (shape (..., rows)) for each of `keys`: (..., keys)."""
        return self._reduced(np.add, weights)

    def greatest(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Returns the greatest of `values` (shape (..., rows)) for each of `keys`: (..., keys)."""
        return self._reduced(np.maximum, values)

    def _reduced(self, how: np.ufunc, values: NDArray[Any]) -> NDArray[np.float64]:
        if not len(self.keys):
            return np.zeros((*values.shape[:-1], 0))
        ordered = values.take(self._order, axis=-1).astype(np.float64, copy=False)
        reduced: NDArray[np.float64] = how.reduceat(ordered, self._begins, axis=-1)
        return reduced
