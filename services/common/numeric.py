"""No NaN or infinity leaves a service."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def finite_or(values: NDArray[np.floating[Any]], default: float) -> NDArray[np.floating[Any]]:
    """Returns `values` with `default` in place of every NaN and infinity; the same array where there is none."""
    finite = np.isfinite(values)
    return values if finite.all() else np.where(finite, values, values.dtype.type(default))
