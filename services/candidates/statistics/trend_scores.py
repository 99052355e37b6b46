from typing import Final

import numpy as np
from numpy.typing import NDArray

_HALF_LIVES_APART: Final = 30.0
_FEWEST: Final = 3.0
_SURE: Final = 1.0


def trend_scores(daily: NDArray[np.float64], monthly: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns how surely each item rises against its own past; 0 where it does not.

    `daily` and `monthly` are sums of strengths with half-lives of 1 and of 30 days at one time. At a steady rate they
    are as 1 to 30, and what is in the daily sum is in the monthly one too: e = (monthly - daily) / 29 is what the past
    lets expect of the day. rise = (daily - e) / √(e + 1), as many standard deviations as a Poisson count would have;
    the 1 keeps a first sale from being the greatest rise of all. Below 3 in strength, or 1 deviation, nothing rises.
    """
    expected = np.maximum(monthly - daily, 0.0) / (_HALF_LIVES_APART - 1)
    risen = (daily - expected) / np.sqrt(expected + 1.0)
    return np.where((daily >= _FEWEST) & (risen >= _SURE), risen, 0.0)
