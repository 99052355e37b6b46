"""Exponential decay whose sums do not depend on the order of arrival.

A decayed sum is kept as its value at an anchor, the time of the newest event in it:
S(anchor) = Σ s_i · 2^(-(anchor - t_i) / h). A newer event moves the anchor and scales the sum; an older one adds its
own smaller weight. Both ways give the same sum but for rounding, whatever the order, and no exponent is ever positive,
so that nothing overflows.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

MILLIS_PER_DAY: Final = 86_400_000


def weight(age_millis: int, half_life_days: float) -> float:
    """Returns 2^(-age / half-life); an age below 0 counts as 0."""
    if age_millis <= 0:
        return 1.0
    return float(2.0 ** (-age_millis / (half_life_days * MILLIS_PER_DAY)))


def weights(anchors_millis: NDArray[np.int64], query_millis: int, half_life_days: float) -> NDArray[np.float64]:
    """Returns for each anchor the factor that brings a sum from there to `query_millis`, shape of `anchors_millis`.

    A query before an anchor is answered as of the anchor: a sum cannot be taken apart again.
    """
    ages = np.maximum(query_millis - anchors_millis, 0) / (half_life_days * MILLIS_PER_DAY)
    return np.exp2(-ages)
