import asyncio
import time

import grpc

METHOD = "/vitrine.bench.Echo/Echo"
CALLERS = 16
MESSAGE = b"x" * 100


async def echo_throughput(seconds: float = 1.5) -> float:
    """How many calls a second a bare gRPC server and client of one process do on this machine now: what every timing
    beside it is to be read against.

    Args:
        seconds: how long to measure.
    """
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    calls = 0
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        echo: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(METHOD)
        end = time.perf_counter() + seconds

        async def call() -> None:
            nonlocal calls
            while time.perf_counter() < end:
                await echo(MESSAGE)
                calls += 1

        await asyncio.gather(*(call() for _ in range(CALLERS)))
    await server.stop(None)
    return calls / seconds


class _Echo(grpc.GenericRpcHandler):
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        return grpc.unary_unary_rpc_method_handler(_echo) if handler_call_details.method == METHOD else None


async def _echo(request: bytes, _: object) -> bytes:
    return request
