"""Lookups in sorted columns, at a cost that grows with what is looked up and hardly with the columns."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.integer)


def places(keys: NDArray[Any], wanted: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Returns where each of `wanted` is in the ascending `keys` (0 if absent), and whether it's there."""
    if not len(keys):
        return np.zeros(wanted.shape, np.intp), np.zeros(wanted.shape, np.bool_)
    found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    present = keys[found] == wanted
    return np.where(present, found, 0), present


def contained(numbers: NDArray[np.integer], ascending: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Returns for each of `numbers` whether the sorted `ascending` holds it."""
    if not len(ascending):
        return np.zeros(numbers.shape, np.bool_)
    found = np.minimum(np.searchsorted(ascending, numbers), len(ascending) - 1)
    present: NDArray[np.bool_] = ascending[found] == numbers
    return present


def values_at(
    columns: NDArray[Any], place: NDArray[np.intp], present: NDArray[np.bool_], default: float = 0.0
) -> NDArray[np.float64]:
    """Returns the columns' values (shape (..., keys)) at each place, `default` where absent: (..., places)."""
    if not columns.shape[-1]:
        return np.full((*columns.shape[:-1], *place.shape), default)
    return np.where(present, columns.take(place, axis=-1), default).astype(np.float64, copy=False)


def values_of(
    numbers: NDArray[np.integer], ascending: NDArray[np.integer], values: NDArray[np.floating | np.integer]
) -> NDArray[np.float64]:
    """Returns the value of each of `numbers`, 0 if absent. `values` belong to the sorted `ascending`."""
    return values_at(values, *places(ascending, numbers))


def distinct(numbers: NDArray[Number]) -> NDArray[Number]:
    """Returns the distinct numbers, ascending. Much faster for integers than np.unique."""
    ascending = np.sort(numbers)
    return ascending[_firsts(ascending)]


def grouped(numbers: NDArray[Number]) -> tuple[NDArray[Number], NDArray[np.int64], NDArray[np.int64]]:
    """Returns the distinct numbers (ascending), a stable order that brings equal ones together, and where each group
    starts in that order: `np.add.reduceat(values[order], starts)` sums by number.

    Numbers must be below 2^32. Much faster than np.unique with its inverse, and than np.add.at.
    """
    keys = np.sort(numbers.astype(np.uint64) << np.uint64(32) | np.arange(len(numbers), dtype=np.uint64))
    order = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
    ascending = numbers[order]
    starts = np.flatnonzero(_firsts(ascending))
    return ascending[starts], order, starts


class Totals:
    """Sums and maxima of weighted rows by key, to be looked up by other rows' keys. Rows of key 0 are left out."""

    def __init__(self, keys: NDArray[Any]) -> None:
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        kept = np.searchsorted(ordered, 0, side="right")
        self._order, ordered = order[kept:], ordered[kept:]
        self._starts = np.flatnonzero(_firsts(ordered))
        self.keys = ordered[self._starts]
        self.counts = np.diff(self._starts, append=len(ordered)).astype(np.float64)
        """The number of rows of each of `keys`."""

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
        reduced: NDArray[np.float64] = how.reduceat(ordered, self._starts, axis=-1)
        return reduced


def _firsts(ascending: NDArray[Any]) -> NDArray[np.bool_]:
    """Returns for each of the sorted numbers whether it's the first of its value."""
    first = np.ones(len(ascending), np.bool_)
    first[1:] = ascending[1:] != ascending[:-1]
    return first
