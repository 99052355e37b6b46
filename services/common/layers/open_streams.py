"""Lets a server stop while clients still follow its streams."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from services.common.errors import UnavailableError
from services.common.layers.layer import Context, Stream, Unary, WrappingLayer

_POLL_SECONDS: Final = 0.05


class _OpenStream:
    """One call: its task, and when (on the loop's clock) it ran out of messages to send; None while it sends."""

    __slots__ = ("idle_since", "stopped", "task")

    def __init__(self, task: asyncio.Task[Any], idle_since: float) -> None:
        self.task = task
        self.idle_since: float | None = idle_since
        self.stopped = False


class OpenStreamsLayer(WrappingLayer):
    """Tracks open streams, so that `end_idle` can end those that would never end by themselves.

    A tail waits for the next event forever, and would delay every restart by the full grace period. An export always
    has something to send, and finishes. Clients of a tail resume elsewhere from where they were.
    """

    def __init__(self) -> None:
        self._open: set[_OpenStream] = set()

    def wrap_handler(self, method: str, handler: Any) -> Any:
        """Returns unary calls unchanged: they end by themselves."""
        streaming = handler.request_streaming or handler.response_streaming
        return super().wrap_handler(method, handler) if streaming else handler

    def wrap_unary(self, method: str, behavior: Unary) -> Unary:
        async def followed(request: Any, context: Context) -> Any:
            stream = self._add()
            try:
                return await behavior(request, context)
            except asyncio.CancelledError:
                _explain(stream)
                raise
            finally:
                self._open.discard(stream)

        return followed

    def wrap_stream(self, method: str, behavior: Stream) -> Stream:
        async def followed(request: Any, context: Context) -> AsyncIterator[Any]:
            stream, time = self._add(), asyncio.get_running_loop().time
            try:
                async for response in behavior(request, context):
                    stream.idle_since = None
                    yield response
                    stream.idle_since = time()
            except asyncio.CancelledError:
                _explain(stream)
                raise
            finally:
                self._open.discard(stream)

        return followed

    async def end_idle(self, quiet_seconds: float = 0.25) -> None:
        """Ends every stream that has had nothing to send for `quiet_seconds`; returns when none is left open."""
        time = asyncio.get_running_loop().time
        while self._open:
            for stream in self._open:
                if not stream.stopped and stream.idle_since is not None and time() - stream.idle_since >= quiet_seconds:
                    stream.stopped = True
                    stream.task.cancel()
            await asyncio.sleep(_POLL_SECONDS)

    def _add(self) -> _OpenStream:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a stream is served outside of a task")
        stream = _OpenStream(task, asyncio.get_running_loop().time())
        self._open.add(stream)
        return stream


def _explain(stream: _OpenStream) -> None:
    """Raises the answer to the client if it was the server that ended the stream."""
    if stream.stopped:
        stream.task.uncancel()
        raise UnavailableError(
            "the server is stopping; reopen the stream from where it was", reason="SERVER_STOPPING"
        ) from None
