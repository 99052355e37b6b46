"""What the interceptors share: each method's handler is wrapped once, not once per call."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc

# Quoted: gRPC's classes are generic in its type stubs only.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"
# A request is a message, or an iterator of messages where the client streams.
Unary: TypeAlias = "Callable[[Any, Context], Awaitable[Any]]"
Stream: TypeAlias = "Callable[[Any, Context], AsyncIterator[Any]]"


class HandlerInterceptor(grpc.aio.ServerInterceptor):
    """Replaces every method's handler by another one, made on the method's first call."""

    def __init__(self) -> None:
        self._wrapped: dict[str, tuple[Handler, Handler]] = {}

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Returns the method's wrapped handler; None for a method that is not there."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        known = self._wrapped.get(method)
        if known is None or known[0] is not handler:
            known = self._wrapped[method] = (handler, self.wrap_handler(method, handler))
        return known[1]

    @abstractmethod
    def wrap_handler(self, method: str, handler: Handler) -> Handler:
        """Returns the handler that stands for `handler`."""


class WrappingInterceptor(HandlerInterceptor):
    """Puts something around every method's behaviour: `wrap_unary` or `wrap_stream`, by its shape.

    A method that answers by `context.write` (the health servicer's Watch does) is a coroutine like one that returns its
    answer, so it goes through `wrap_unary`.
    """

    def wrap_handler(self, method: str, handler: Handler) -> Handler:
        stream = as_stream(handler)
        return rebuilt(
            handler, self.wrap_stream(method, stream) if stream else self.wrap_unary(method, as_unary(handler))
        )

    @abstractmethod
    def wrap_unary(self, method: str, behavior: Unary) -> Unary:
        """Returns `behavior` with the interceptor's work around it."""

    @abstractmethod
    def wrap_stream(self, method: str, behavior: Stream) -> Stream:
        """Returns `behavior` with the interceptor's work around it."""


def as_stream(handler: Handler) -> Stream | None:
    """Returns the handler's behaviour where it yields its answers (gRPC's own test), else None."""
    behavior: Any = handler.unary_stream or handler.stream_stream
    return behavior if inspect.isasyncgenfunction(behavior) else None


def as_unary(handler: Handler) -> Unary:
    """Returns the behaviour of a handler that returns its answer, or writes its answers by `context.write`."""
    behavior: Any = handler.unary_unary or handler.stream_unary or handler.unary_stream or handler.stream_stream
    unary: Unary = behavior
    return unary


def rebuilt(
    handler: Handler,
    behavior: Unary | Stream,
    deserializer: Callable[[bytes], Any] | None = None,
    serializer: Callable[[Any], bytes] | None = None,
) -> Handler:
    """Returns a handler of the same shape around `behavior`; codecs that are not given stay."""
    make: Any = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[handler.request_streaming, handler.response_streaming]
    made: Handler = make(
        behavior,
        request_deserializer=deserializer or handler.request_deserializer,
        response_serializer=serializer or handler.response_serializer,
    )
    return made
