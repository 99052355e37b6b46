"""A small service on the kit, with one method per way in which a call can go. Also runs as a process of its own."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from google.protobuf.wrappers_pb2 import StringValue
from pydantic_settings import SettingsConfigDict
from threadpoolctl import threadpool_info

from services.common import errors
from services.common.channels import open_channel
from services.common.deadlines import remaining
from services.common.entrypoint import run
from services.common.settings import ServiceSettings

PROBE_SERVICE = "vitrine.probe.v1.ProbeService"
Context = Any


class ProbeSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="VITRINE_PROBE_")


class ProbeApplication:
    name = "probe"

    def __init__(self, *, mark: Path | None = None) -> None:
        self.started, self.stopped = asyncio.Event(), False
        self.may_start = asyncio.Event()
        self.may_start.set()
        self.in_call = asyncio.Event()
        self.canceled = asyncio.Event()
        self.start_error: Exception | None = None
        self.calls = 0
        self._mark = mark

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        unary, codecs = grpc.unary_unary_rpc_method_handler, (StringValue.FromString, StringValue.SerializeToString)
        handlers: dict[str, Any] = {
            name: unary(getattr(self, name), *codecs)
            for name in (
                "Echo",
                "Fail",
                "Sleep",
                "TimeLeft",
                "Grow",
                "Abort",
                "CallOn",
                "Flaky",
                "Relay",
                "BlasThreads",
            )
        }
        handlers["Follow"] = grpc.unary_stream_rpc_method_handler(self.Follow, *codecs)
        handlers["Count"] = grpc.unary_stream_rpc_method_handler(self.Count, *codecs)
        handlers["Join"] = grpc.stream_unary_rpc_method_handler(self.Join, *codecs)
        handlers["Chat"] = grpc.stream_stream_rpc_method_handler(self.Chat, *codecs)
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(PROBE_SERVICE, handlers)])
        return [PROBE_SERVICE]

    async def start(self) -> None:
        self.started.set()
        await self.may_start.wait()
        if self.start_error:
            raise self.start_error

    async def stop(self) -> None:
        self.stopped = True
        if self._mark:
            self._mark.write_text("stopped")

    async def Echo(self, request: StringValue, context: Context) -> StringValue:
        return request

    async def Fail(self, request: StringValue, context: Context) -> StringValue:
        error = ERRORS[request.value]()
        raise error

    async def Abort(self, request: StringValue, context: Context) -> StringValue:
        await context.abort(grpc.StatusCode.DATA_LOSS, "said by the servicer itself")
        raise AssertionError("abort raises")

    async def Sleep(self, request: StringValue, context: Context) -> StringValue:
        """Takes the seconds that it is told."""
        self.in_call.set()
        try:
            await asyncio.sleep(float(request.value))
        except asyncio.CancelledError:
            self.canceled.set()
            raise
        return StringValue(value="slept")

    async def TimeLeft(self, request: StringValue, context: Context) -> StringValue:
        return StringValue(value=str(remaining(context, float(request.value or 0))))

    async def Grow(self, request: StringValue, context: Context) -> StringValue:
        """Answers with as many bytes as it is told."""
        return StringValue(value="x" * int(request.value))

    async def CallOn(self, request: StringValue, context: Context) -> StringValue:
        """Fails as a call to another service fails."""
        raise grpc.aio.AioRpcError(
            grpc.StatusCode[request.value], grpc.aio.Metadata(), grpc.aio.Metadata(), "user u-77"
        )

    async def Flaky(self, request: StringValue, context: Context) -> StringValue:
        """Fails with the code it is told, once; says how often it was called."""
        self.calls += 1
        if self.calls == 1:
            await context.abort(grpc.StatusCode[request.value], "the first call fails")
        return StringValue(value=str(self.calls))

    async def Relay(self, request: StringValue, context: Context) -> StringValue:
        """Calls Echo at the address it is told."""
        async with open_channel(request.value) as channel:
            echo = channel.unary_unary(f"/{PROBE_SERVICE}/Echo", StringValue.SerializeToString, StringValue.FromString)
            answer: StringValue = await echo(request, timeout=remaining(context, 0.01))
            return answer

    async def BlasThreads(self, request: StringValue, context: Context) -> StringValue:
        """Says on how many threads the process' BLAS libraries compute a matrix product."""
        np.dot(np.ones((2, 2)), np.ones((2, 2)))
        threads = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
        return StringValue(value=" ".join(map(str, threads)))

    async def Follow(self, request: StringValue, context: Context) -> AsyncIterator[StringValue]:
        """Sends one message, then waits for ever, as a tail does at its log's end."""
        yield StringValue(value="first")
        self.in_call.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.canceled.set()

    async def Count(self, request: StringValue, context: Context) -> AsyncIterator[StringValue]:
        """Sends as many messages as it is told, one each 20 ms; fails at the end where that is what it is told."""
        count, _, failure = request.value.partition(" ")
        for number in range(int(count)):
            self.in_call.set()
            yield StringValue(value=str(number))
            await asyncio.sleep(0.02)
        if failure:
            error = ERRORS[failure]()
            raise error

    async def Join(self, requests: AsyncIterator[StringValue], context: Context) -> StringValue:
        return StringValue(value="".join([request.value async for request in requests]))

    async def Chat(self, requests: AsyncIterator[StringValue], context: Context) -> AsyncIterator[StringValue]:
        async for request in requests:
            yield request


def _bug() -> Exception:
    return KeyError("a secret of the shop")


ERRORS: dict[str, Callable[[], Exception]] = {
    "bug": _bug,
    "one field": lambda: errors.InvalidArgumentError(
        "The request is invalid: size is 0; send 1 to 100",
        reason="OUT_OF_RANGE",
        violations=[errors.FieldViolation("size", "is 0; send 1 to 100", "OUT_OF_RANGE")],
        metadata={"limit": "100"},
    ),
    "thousand fields": lambda: errors.InvalidArgumentError(
        "Ungültig: " + "ä" * 5000,
        violations=[
            errors.FieldViolation(f"events[{n}].item_id", "is empty; send an id of 1 to 256 bytes", "ID_EMPTY")
            for n in range(1000)
        ],
    ),
    "not found": functools.partial(errors.NotFoundError, "there is no item of that id", reason="ITEM_NOT_FOUND"),
}


def build(settings: ProbeSettings) -> ProbeApplication:
    settings.state_directory.mkdir(parents=True, exist_ok=True)
    return ProbeApplication(mark=settings.state_directory / "mark")


if __name__ == "__main__":
    raise SystemExit(run(ProbeSettings, build))
