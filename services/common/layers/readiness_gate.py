"""Keeps calls away from servicers that haven't started yet."""

from collections.abc import AsyncIterator
from typing import Any, Final

from services.common.errors import UnavailableError
from services.common.layers.layer import Context, Handler, Stream, Unary, WrappingLayer

# These answer from the start: their callers want to know how far the server is.
_ALWAYS_OPEN: Final = ("/grpc.health.", "/grpc.reflection.")


class ReadinessGateLayer(WrappingLayer):
    """Answers UNAVAILABLE, which clients retry, until `open` is set."""

    def __init__(self) -> None:
        self.open = False

    def wrap_handler(self, method: str, handler: Handler) -> Handler:
        return handler if method.startswith(_ALWAYS_OPEN) else super().wrap_handler(method, handler)

    def wrap_unary(self, method: str, behavior: Unary) -> Unary:
        async def gated(request: Any, context: Context) -> Any:
            self._check()
            return await behavior(request, context)

        return gated

    def wrap_stream(self, method: str, behavior: Stream) -> Stream:
        async def gated(request: Any, context: Context) -> AsyncIterator[Any]:
            self._check()
            async for response in behavior(request, context):
                yield response

        return gated

    def _check(self) -> None:
        if not self.open:
            raise UnavailableError("the service is starting; try again in a moment", reason="SERVICE_STARTING")
