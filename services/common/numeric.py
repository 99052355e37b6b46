"""Rules for numbers that are shared: no NaN or infinity leaves a service, constants have no scale."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_SMALLEST_DEVIATION: Final = 1e-6


def finite_or(values: NDArray[np.floating[Any]], default: float) -> NDArray[np.floating[Any]]:
    """Returns `values` with `default` in place of every NaN and infinity; the same array where there is none."""
    finite = np.isfinite(values)
    return values if finite.all() else np.where(finite, values, values.dtype.type(default))


def standard_scales(deviations: NDArray[Any]) -> NDArray[Any]:
    """Returns what to multiply centered features by: 1 / standard deviation, and 0 for a feature that never varied.

    A constant feature taught nothing, so it must not count when it varies later.
    """
    scales: NDArray[Any] = np.where(
        deviations > _SMALLEST_DEVIATION, 1.0 / np.maximum(deviations, _SMALLEST_DEVIATION), 0.0
    )
    return scales
