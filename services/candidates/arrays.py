"""Columns that grow with the catalog, and rows of different lengths that lie behind one another."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

SMALLEST_CAPACITY = 1024
Scalar = TypeVar("Scalar", bound=np.generic)


def capacity_for(number: int) -> int:
    """Returns a capacity that holds row `number`: a power of two, so that growing costs little per item."""
    return max(SMALLEST_CAPACITY, 1 << int(number).bit_length())


def grown(column: NDArray[Scalar], capacity: int) -> NDArray[Scalar]:
    """Returns `column` with `capacity` rows; the new ones hold zero."""
    wider: NDArray[Any] = np.zeros((capacity, *column.shape[1:]), dtype=column.dtype)
    wider[: len(column)] = column
    return wider


def gather(starts: NDArray[np.integer], rows: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the flat positions of `rows`, one row after the other, and the length of each.

    `starts` int[rows + 1] is the usual index pointer: row i takes the positions starts[i] to starts[i + 1].
    """
    begins = starts[rows].astype(np.int64)
    lengths = starts[rows + 1].astype(np.int64) - begins
    return spans(begins, lengths), lengths


def spans(begins: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the positions begins[i] to begins[i] + lengths[i], one span after the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    positions: NDArray[np.int64] = np.arange(total) + np.repeat(begins - (ends - lengths), lengths)
    return positions
