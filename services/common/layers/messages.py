"""Parses requests and serializes answers where a failure can still be explained to the caller."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from google.protobuf.message import DecodeError

from services.common.errors import InvalidArgumentError, ResourceExhaustedError
from services.common.layers.layer import (
    Context,
    Handler,
    Stream,
    Unary,
    as_stream,
    as_unary,
    rebuilt,
)

Codec = Callable[[Any], Any]


class MessageLayer:
    """Rejects messages that are too large or malformed, with advice.

    gRPC itself would answer an unreadable request with UNKNOWN, and a large one in words that name no remedy. It still
    guards the memory: the server tells it a multiple of the limit.

    A single request is read, and a returned or yielded answer written, inside the wrapped behavior: what gRPC reads
    and writes by itself fails outside of every interceptor. In a request stream, and in `context.write`, gRPC works
    while the behavior waits, so its codecs may raise.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def wrap_handler(self, method: str, handler: Handler) -> Handler:
        read, write = self._reader(handler), self._writer(handler)
        read_inside, read_outside = (_same, read) if handler.request_streaming else (read, _same)
        if stream := as_stream(handler):
            return rebuilt(handler, _coded_stream(stream, read_inside, write), read_outside, _same)
        written_by_context = handler.response_streaming
        write_inside, write_outside = (_same, write) if written_by_context else (write, _same)
        return rebuilt(handler, _coded_unary(as_unary(handler), read_inside, write_inside), read_outside, write_outside)

    def _reader(self, handler: Handler) -> Codec:
        deserialize, limit = handler.request_deserializer or _same, self._max_bytes

        def read(data: bytes) -> Any:
            if len(data) > limit:
                raise ResourceExhaustedError(
                    f"the request has {len(data)} bytes, the limit is {limit}; send fewer elements per call",
                    reason="REQUEST_TOO_LARGE",
                    metadata={"limit_bytes": str(limit)},
                )
            try:
                return deserialize(data)
            except DecodeError as error:
                raise InvalidArgumentError(
                    f"the request cannot be read ({error}); build it from the same version of the contract",
                    reason="REQUEST_UNREADABLE",
                ) from None

        return read

    def _writer(self, handler: Handler) -> Codec:
        serialize, limit = handler.response_serializer or _same, self._max_bytes

        def write(message: Any) -> Any:
            data = serialize(message)
            if len(data) > limit:
                raise ResourceExhaustedError(
                    f"the answer has {len(data)} bytes, the limit is {limit}; ask for fewer elements per call",
                    reason="ANSWER_TOO_LARGE",
                    metadata={"limit_bytes": str(limit)},
                )
            return data

        return write


def _coded_unary(behavior: Unary, read: Codec, write: Codec) -> Unary:
    async def coded(request: Any, context: Context) -> Any:
        return write(await behavior(read(request), context))

    return coded


def _coded_stream(behavior: Stream, read: Codec, write: Codec) -> Stream:
    async def coded(request: Any, context: Context) -> AsyncIterator[Any]:
        async for response in behavior(read(request), context):
            yield write(response)

    return coded


def _same(value: Any) -> Any:
    return value
