import numpy as np
from numpy.typing import NDArray

FRESHNESS_SHARE = 0.1
"""The part of an item's relevance that fades with its age."""

FRESHNESS_HALF_LIFE_DAYS = 30
STOCK_SHARE = 0.05
"""The part of an item's relevance that it loses where its stock runs out: where that is known."""

LOW_STOCK = 3
_MILLIS_PER_DAY = 86_400_000


def freshness(new_since: NDArray[np.int64], query_millis: int) -> NDArray[np.float64]:
    """Returns what relevance is multiplied by: 0.9 + 0.1 × 2^(-age / 30 days), as of the time of the request."""
    ages = np.maximum(query_millis - new_since, 0) / _MILLIS_PER_DAY
    faded: NDArray[np.float64] = 1 - FRESHNESS_SHARE + FRESHNESS_SHARE * np.exp2(-ages / FRESHNESS_HALF_LIFE_DAYS)
    return faded
