"""Which calls that are cut short count against the behavior model."""

import asyncio
from typing import Any

import pytest

from services.common.circuit_breaker import CircuitBreaker
from services.ranker.behavior_model_client import BehaviorModelClient


class HangingWatch:
    """Knows no contract yet, and waits for it."""

    fault = None
    available = True

    async def contract(self, selector: str, seconds: float) -> Any:
        await asyncio.Event().wait()


def hanging_model(breaker: CircuitBreaker) -> BehaviorModelClient:
    return BehaviorModelClient(object(), HangingWatch(), breaker, timeout_seconds=10.0)  # type: ignore[arg-type]  # hangs sooner


async def give_up(model: BehaviorModelClient, *, seconds: float, after: float) -> None:
    task = asyncio.create_task(model.ask("", "rank", lambda contract: {}, seconds))
    await asyncio.sleep(after)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(("seconds", "after", "closed"), [(10.0, 0.0, True), (0.03, 0.04, False)])
async def test_only_overdue_calls_count_as_late(seconds: float, after: float, closed: bool) -> None:
    breaker = CircuitBreaker(lambda: 0.0)
    model = hanging_model(breaker)
    for _ in range(3):
        await give_up(model, seconds=seconds, after=after)
    assert breaker.closed == closed
    assert (model.fault is None) == closed
