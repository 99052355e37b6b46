import time
from collections.abc import Awaitable, Callable, Sequence

import numpy as np


async def timed(call: Callable[[], Awaitable[object]], count: int) -> list[float]:
    """Returns how many seconds each of `count` calls took, one after the other."""
    seconds = []
    for _ in range(count):
        began = time.perf_counter()
        await call()
        seconds.append(time.perf_counter() - began)
    return seconds


def milliseconds(seconds: Sequence[float], percentile: float) -> float:
    """Returns a percentile of times, in milliseconds."""
    return float(np.percentile(seconds, percentile)) * 1e3
