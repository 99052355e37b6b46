"""A call without a deadline gets one, and a call that comes too late is not begun."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from services.common.deadlines import client_remaining, default_deadline
from services.common.errors import DeadlineExceededError
from services.common.layers.layer import Context, Stream, Unary, WrappingLayer


class DefaultDeadlineLayer(WrappingLayer):
    """Bounds unary answers. An answer stream may follow a log for ever: it ends when its client or its server does."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def wrap_unary(self, method: str, behavior: Unary) -> Unary:
        seconds = self._seconds

        async def bounded(request: Any, context: Context) -> Any:
            left = client_remaining(context)
            if left is not None:
                _refuse_late(left)
                return await behavior(request, context)
            default_deadline.set(asyncio.get_running_loop().time() + seconds)
            limit = asyncio.timeout(seconds)
            try:
                async with limit:
                    return await behavior(request, context)
            except TimeoutError:
                if not limit.expired():
                    raise
                raise DeadlineExceededError(
                    f"the call took longer than {seconds:g} s, the limit for calls without a deadline; set a deadline",
                    reason="DEFAULT_DEADLINE_EXCEEDED",
                ) from None

        return bounded

    def wrap_stream(self, method: str, behavior: Stream) -> Stream:
        async def bounded(request: Any, context: Context) -> AsyncIterator[Any]:
            _refuse_late(client_remaining(context))
            async for response in behavior(request, context):
                yield response

        return bounded


def _refuse_late(left: float | None) -> None:
    if left is not None and left <= 0:
        raise DeadlineExceededError("the deadline had passed before the call began; allow more time")
