"""No NaN or infinity leaves a service."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def finite_or(values: NDArray[np.floating[Any]], default: float) -> NDArray[np.floating[Any]]:
    """Returns `values` with `default` in place of every NaN and infinity; the same array where there is none."""
    finite = np.isfinite(values)
    return values if finite.all() else np.where(finite, values, values.dtype.type(default))


def count_non_finite(values: NDArray[np.floating[Any]]) -> int:
    """Returns how many of `values` are NaN or infinite."""
    return int(values.size - np.count_nonzero(np.isfinite(values)))


def descending_order(scores: NDArray[np.floating[Any]]) -> NDArray[np.intp]:
    """Returns the positions of `scores` from the best down: stable among equals, non-finite scores last."""
    return np.argsort(np.where(np.isfinite(scores), -scores, np.inf), kind="stable")
