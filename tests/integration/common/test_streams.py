import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from services.common.channels import answers_of

METHOD = "/vitrine.test.Count/Count"


class Counter(grpc.GenericRpcHandler):
    """Counts up for as long as anybody reads."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        return grpc.unary_stream_rpc_method_handler(self._count)

    async def _count(self, request: bytes, _: object) -> AsyncIterator[bytes]:
        try:
            while True:
                yield request
                await asyncio.sleep(0.001)
        finally:
            self.ended.set()


async def test_a_reader_that_fails_ends_the_stream_at_its_sender() -> None:
    counter = Counter()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((counter,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    kept = []
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(METHOD)
        call = method(b"1")
        # Who keeps the error keeps its frames, and with them the call: nothing but canceling ends it.
        with pytest.raises(OverflowError) as error:
            await _read_and_fail(call)
        kept.append(error)
        await asyncio.wait_for(counter.ended.wait(), timeout=5)
    await server.stop(None)


async def _read_and_fail(call: "grpc.aio.UnaryStreamCall[bytes, bytes]") -> None:
    async with answers_of(call) as answers:
        async for _ in answers:
            raise OverflowError("the reader's own fault")
