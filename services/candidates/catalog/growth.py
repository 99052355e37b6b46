"""Columns by item_no that grow with the catalog."""

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
