"""gRPC calls without a wire: a channel that calls servicers of the same process."""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

import grpc

from services.common.errors import VitrineError
from services.common.rpc_status import DETAILS_KEY, to_rpc_status


class InProcessChannel:
    """Stands in for server and channel: hand it to `add_…_to_server`, then to a stub. Unary calls only.

    Requests and responses are serialized, deadlines end calls, and errors have codes and details as on the wire.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Part of a server; the registered handlers below are the same."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        """Part of a server."""
        self._handlers |= {f"/{service}/{method}": handler for method, handler in handlers.items()}

    def unary_unary(self, path: str, *_: Any, **__: Any) -> Callable[..., Any]:
        """Part of a channel."""

        async def call(request: Any, *, timeout: float | None = None, **_: Any) -> Any:  # noqa: ASYNC109  # as gRPC
            handler = self._handlers[path]
            read = handler.request_deserializer(request.SerializeToString())
            response = await _answer(handler.unary_unary, read, timeout)
            return type(response).FromString(response.SerializeToString())

        return call

    def unary_stream(self, path: str, *_: Any, **__: Any) -> Callable[..., Any]:
        """Part of a channel; stubs ask for every method."""

        def call(*_: Any, **__: Any) -> NoReturn:
            raise NotImplementedError(f"{path} is not a unary call")

        return call

    stream_unary = stream_stream = unary_stream


class _Context:
    """What a servicer is told of its call."""

    def __init__(self, seconds: float | None) -> None:
        self._ends = None if seconds is None else asyncio.get_running_loop().time() + seconds
        self._trailing: tuple[tuple[str, Any], ...] = ()

    def time_remaining(self) -> float | None:
        return None if self._ends is None else self._ends - asyncio.get_running_loop().time()

    def set_trailing_metadata(self, metadata: tuple[tuple[str, Any], ...]) -> None:
        self._trailing = metadata

    async def abort(self, code: grpc.StatusCode, details: str = "") -> NoReturn:
        raise _error(code, details, self._trailing)


async def _answer(behavior: Any, request: Any, seconds: float | None) -> Any:
    try:
        async with asyncio.timeout(seconds):
            return await behavior(request, _Context(seconds))
    except TimeoutError:
        raise _error(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded") from None
    except VitrineError as error:
        details = to_rpc_status(error).SerializeToString()
        raise _error(error.code, error.message, ((DETAILS_KEY, details),)) from error


def _error(code: grpc.StatusCode, details: str, trailing: tuple[tuple[str, Any], ...] = ()) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), details=details)
