"""Gives a deadline to calls without one, and doesn't start calls that arrive too late."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from services.common.deadlines import client_remaining, default_deadline
from services.common.errors import DeadlineExceededError
from services.common.layers.layer import Context, Stream, Unary, WrappingLayer


class DefaultDeadlineLayer(WrappingLayer):
    """Bounds unary calls. An answer stream may follow a log forever: it ends when its client or server does."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def wrap_unary(self, method: str, behavior: Unary) -> Unary:
        seconds = self._seconds

        async def bounded(request: Any, context: Context) -> Any:
            left = client_remaining(context)
            if left is not None:
                _refuse_late(left)
                return await behavior(request, context)
            with _Limit(seconds):
                return await behavior(request, context)

        return bounded

    def wrap_stream(self, method: str, behavior: Stream) -> Stream:
        async def bounded(request: Any, context: Context) -> AsyncIterator[Any]:
            _refuse_late(client_remaining(context))
            async for response in behavior(request, context):
                yield response

        return bounded


class _Limit:
    """Cancels the current task after `seconds`, and reports it: asyncio.timeout at a third of its cost per call."""

    __slots__ = ("_expired", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task(loop)
        ends = loop.time() + self._seconds
        default_deadline.set(ends)
        self._timer = loop.call_at(ends, self._expire)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._timer.cancel()
        if self._expired and self._task is not None and isinstance(error, asyncio.CancelledError):
            self._task.uncancel()
            raise DeadlineExceededError(
                f"the call took longer than {self._seconds:g} s, the limit for calls without a deadline; set one",
                reason="DEFAULT_DEADLINE_EXCEEDED",
            ) from None

    def _expire(self) -> None:
        self._expired = True
        if self._task is not None:
            self._task.cancel()


def _refuse_late(left: float | None) -> None:
    if left is not None and left <= 0:
        raise DeadlineExceededError("the deadline had passed before the call began; allow more time")
