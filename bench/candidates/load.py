import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Timing:
    """How calls went: percentiles in milliseconds, and how many a second."""

    p50: float
    p99: float
    rate: float
    failed: int


async def measure(call: Callable[[int], Awaitable[object]], seconds: float, callers: int = 1) -> Timing:
    """Calls again and again, each caller after its own last answer; `call` gets a number that grows."""
    took: list[float] = []
    failed = 0
    number = 0
    end = time.perf_counter() + seconds

    async def caller() -> None:
        nonlocal number, failed
        while time.perf_counter() < end:
            number += 1
            began = time.perf_counter()
            try:
                await call(number)
            except Exception:  # noqa: BLE001  # whatever it is, it is a failed call
                failed += 1
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(caller() for _ in range(callers)))
    p50, p99 = np.percentile(np.array(took) * 1000, (50, 99))
    return Timing(float(p50), float(p99), len(took) / seconds, failed)
