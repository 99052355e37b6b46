"""Layers around every method of a server, each with one concern."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, TypeAlias

import grpc

# Quoted: gRPC's classes are generic in its type stubs only.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
# A request is a message, or an iterator of messages if the client streams.
Unary: TypeAlias = "Callable[[Any, Context], Awaitable[Any]]"
Stream: TypeAlias = "Callable[[Any, Context], AsyncIterator[Any]]"


class Layer(Protocol):
    """Replaces a method's handler with another one."""

    def wrap_handler(self, method: str, handler: Handler) -> Handler:
        """Returns the replacement of `handler`; `method` is its full name ("/package.Service/Method")."""
        ...


class WrappingLayer(ABC):
    """Wraps a method's behavior, with `wrap_unary` or `wrap_stream` by its shape.

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
        """Returns `behavior` wrapped by the layer."""

    @abstractmethod
    def wrap_stream(self, method: str, behavior: Stream) -> Stream:
        """Returns `behavior` wrapped by the layer."""


def as_stream(handler: Handler) -> Stream | None:
    """Returns the handler's behavior if it yields its answers (gRPC's own test), else None."""
    behavior: Any = handler.unary_stream or handler.stream_stream
    return behavior if inspect.isasyncgenfunction(behavior) else None


def as_unary(handler: Handler) -> Unary:
    """Returns the behavior of a handler that returns its answer, or writes its answers by `context.write`."""
    behavior: Any = handler.unary_unary or handler.stream_unary or handler.unary_stream or handler.stream_stream
    unary: Unary = behavior
    return unary


def rebuilt(
    handler: Handler,
    behavior: Unary | Stream,
    deserializer: Callable[[bytes], Any] | None = None,
    serializer: Callable[[Any], bytes] | None = None,
) -> Handler:
    """Returns a handler of the same shape with `behavior`; codecs that aren't given stay the same."""
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
