import asyncio
import math

import pytest

from services.common.deadlines import default_deadline, remaining


class FakeContext:
    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds

    def time_remaining(self) -> float | None:
        return self._seconds


@pytest.mark.parametrize(
    ("left", "reserve", "expected"), [(2.0, 0.5, 1.5), (2.0, 0.0, 2.0), (0.1, 0.5, 0.0), (0.0, 0.0, 0.0)]
)
async def test_a_reserve_is_kept_of_what_the_client_gave(left: float, reserve: float, expected: float) -> None:
    assert remaining(FakeContext(left), reserve) == expected


async def test_without_any_deadline_there_is_no_end() -> None:
    assert remaining(FakeContext(None), 1.0) == math.inf


async def test_the_default_deadline_counts_where_the_client_gave_none() -> None:
    default_deadline.set(asyncio.get_running_loop().time() + 2.0)
    assert 0.9 < remaining(FakeContext(None), 1.0) <= 1.0
    assert remaining(FakeContext(0.5)) == 0.5
    default_deadline.set(asyncio.get_running_loop().time() - 1.0)
    assert remaining(FakeContext(None)) == 0.0
