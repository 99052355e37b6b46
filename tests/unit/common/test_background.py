import asyncio
import threading
from collections.abc import Callable

import grpc
import pytest
from structlog.testing import capture_logs

from services.common.background import run_in_thread, run_periodically


def unreachable(words: str) -> Exception:
    nothing = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing, words)


async def logged(*outcomes: Exception | None) -> list[str]:
    """Runs one turn for each outcome; returns the events that were logged."""
    turns, done = iter(outcomes), asyncio.Event()

    async def step() -> None:
        outcome = next(turns, done)
        if outcome is done:
            done.set()
        elif isinstance(outcome, Exception):
            raise outcome

    with capture_logs() as logs:
        task = asyncio.create_task(run_periodically("tail", step, 0))
        await asyncio.wait_for(done.wait(), 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert all(entry["task"] == "tail" for entry in logs)
    return [entry["event"] for entry in logs]


async def test_what_goes_well_is_not_worth_a_word() -> None:
    assert await logged(None, None) == []


async def test_a_loss_is_told_when_it_begins_and_when_it_ends_whatever_its_words() -> None:
    events = await logged(unreachable("a"), unreachable("b"), None, unreachable("a"))
    lost, back = "background task cannot reach its service", "background task recovered"
    assert events == [lost, back, lost, back]


@pytest.mark.parametrize("bug", [ValueError, OverflowError, grpc.RpcError])
async def test_a_bug_does_not_end_the_task(bug: Callable[[str], Exception]) -> None:
    events = await logged(bug("one"), bug("two"), None)
    assert events == ["background task failed", "background task recovered"]


async def test_a_cancellation_waits_for_the_thread() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert may_end.wait(5)

    task = asyncio.create_task(run_in_thread(work))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    assert not (await asyncio.wait({task}, timeout=0.02))[0]
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_thread_returns_and_raises() -> None:
    assert await run_in_thread(int, "17") == 17
    with pytest.raises(ValueError, match="seventeen"):
        await run_in_thread(int, "seventeen")
