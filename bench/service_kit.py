"""What the service kit adds to a call: the same servicer on a bare gRPC server and on the kit's, in turns.

Run with `python -m bench.service_kit`. Server and client share the process, so that its CPU time is that of both; the
difference is the kit's.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.wrappers_pb2 import StringValue

from cli.echo import echo_throughput
from cli.figures import Figures
from services.common.server import running
from services.common.settings import ServiceSettings
from services.common.telemetry.logging import configure_logging

ROUNDS: Final = 150
CALLS: Final = 50
_SERVICE: Final = "vitrine.bench.v1.EchoService"
_CODECS: Final = (StringValue.FromString, StringValue.SerializeToString)


class EchoApplication:
    """Answers with the request."""

    name = "bench"

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        handler: Any = grpc.unary_unary_rpc_method_handler(self._echo, *_CODECS)
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(_SERVICE, {"Echo": handler})])
        return [_SERVICE]

    async def start(self) -> None:
        """Nothing to start."""

    async def stop(self) -> None:
        """Nothing to stop."""

    async def _echo(self, request: StringValue, _: object) -> StringValue:
        return request


async def main() -> None:
    """Prints the figures."""
    figures = Figures("service_kit")
    figures.say("echo.throughput", await echo_throughput(), "/s")
    bare = grpc.aio.server()
    EchoApplication().register(bare)
    bare_port = bare.add_insecure_port("127.0.0.1:0")
    await bare.start()
    with tempfile.TemporaryDirectory() as folder:
        async with running(ServiceSettings(state_directory=Path(folder)), EchoApplication()) as server:
            for name, timeout in (("with_deadline", 5.0), ("without_deadline", None)):
                overhead = await _overhead(f"127.0.0.1:{bare_port}", server.address, timeout)
                figures.say(f"kit.overhead_{name}", overhead, "us")
    await bare.stop(None)


async def _overhead(bare: str, kit: str, timeout: float | None) -> float:  # noqa: ASYNC109  # handed on to gRPC
    """Returns the median difference in CPU microseconds per call between rounds that follow each other."""
    async with grpc.aio.insecure_channel(bare) as bare_channel, grpc.aio.insecure_channel(kit) as kit_channel:
        differences = []
        for _ in range(ROUNDS):
            without = await _cpu_microseconds(bare_channel, timeout)
            differences.append(await _cpu_microseconds(kit_channel, timeout) - without)
    return statistics.median(differences)


async def _cpu_microseconds(channel: grpc.aio.Channel, timeout: float | None) -> float:  # noqa: ASYNC109  # the same
    echo: Any = channel.unary_unary(f"/{_SERVICE}/Echo", StringValue.SerializeToString, StringValue.FromString)
    message = StringValue(value="x" * 100)
    began = time.process_time()
    for _ in range(CALLS):
        await echo(message, timeout=timeout)
    return (time.process_time() - began) / CALLS * 1e6


if __name__ == "__main__":
    configure_logging("bench", "WARNING", stream=sys.stderr)
    asyncio.run(main())
