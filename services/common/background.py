import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import grpc
import structlog

P = ParamSpec("P")
T = TypeVar("T")

_log = structlog.get_logger("vitrine.background")


async def run_periodically(task: str, step: Callable[[], Awaitable[object]], pause_seconds: float) -> None:
    """Runs `step` again and again until canceled, with a pause after each run, whether it succeeds or fails.

    A failure is logged when it begins and when it ends, not on every run in between; a bug is logged with its trace.
    """
    fault = ""
    while True:
        try:
            await step()
        except grpc.aio.AioRpcError as error:
            # By its code alone: the words of one and the same loss differ from try to try.
            if fault != error.code().name:
                _log.warning("background task cannot reach its service", task=task, error=_words(error))
            fault = error.code().name
        except Exception as error:  # noqa: BLE001  # a background task must outlive its bugs; the log has the trace
            if fault != type(error).__name__:
                _log.exception("background task failed", task=task)
            fault = type(error).__name__
        else:
            if fault:
                _log.info("background task recovered", task=task)
            fault = ""
        await asyncio.sleep(pause_seconds)


async def run_in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Returns what `work` returns, run in a thread. A cancellation waits until the thread is done: whoever closes what
    `work` uses, such as a store, cancels and awaits the task first.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    finally:
        await asyncio.wait({running})


class ChangeSignal:
    """Wakes those who wait for something to change, on one event loop."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def current(self) -> asyncio.Event:
        """Returns the event that the next change sets. Take it before you look, so that you miss no change."""
        return self._next

    async def wait(self) -> None:
        """Returns at the next change."""
        await self._next.wait()

    def notify(self) -> None:
        """Wakes everyone who waits."""
        self._next.set()
        self._next = asyncio.Event()


def _words(error: grpc.aio.AioRpcError) -> str:
    return f"{error.code().name}: {error.details()}"
