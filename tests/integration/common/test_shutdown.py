import asyncio
import gc
import time

import grpc
import pytest

from services.common import errors
from services.common.channels import open_channel
from services.common.rpc_status import from_rpc_error
from services.common.server import Server, serve
from tests.support.probe_client import call, follow
from tests.support.probe_service import ProbeApplication, ProbeSettings


async def test_calls_in_flight_finish_and_the_application_stops_after_them(
    settings: ProbeSettings, application: ProbeApplication
) -> None:
    server = Server(settings, application)
    await server.start()
    async with open_channel(server.address) as channel:
        in_flight = asyncio.create_task(call(channel, "Sleep", "0.3"))
        await application.in_call.wait()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0.1)
        assert not application.stopped
        assert await in_flight == "slept"
        await stopping
    assert application.stopped


async def test_what_takes_longer_than_the_grace_is_cut(settings: ProbeSettings, application: ProbeApplication) -> None:
    server = Server(settings.model_copy(update={"grace_seconds": 0.2}), application)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        in_flight = asyncio.create_task(call(channel, "Sleep", "30", seconds=60))
        await application.in_call.wait()
        began = time.perf_counter()
        await server.stop()
        assert time.perf_counter() - began < 3
        with pytest.raises(grpc.aio.AioRpcError):
            await in_flight
    assert application.stopped


async def test_a_stream_that_waits_ends_at_once_and_says_why(
    settings: ProbeSettings, application: ProbeApplication
) -> None:
    server = Server(settings, application)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        stream = follow(channel, "Follow", seconds=None)
        assert (await stream.read()).value == "first"
        await application.in_call.wait()
        began = time.perf_counter()
        await server.stop()
        assert time.perf_counter() - began < settings.grace_seconds / 2
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
    error = from_rpc_error(caught.value)
    assert isinstance(error, errors.UnavailableError)
    assert error.reason == "SERVER_STOPPING"
    assert application.canceled.is_set()


async def test_a_stream_that_has_something_to_send_finishes(
    settings: ProbeSettings, application: ProbeApplication
) -> None:
    server = Server(settings, application)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        stream = follow(channel, "Count", "30")  # over 0.6 s
        messages = aiter(stream)
        received = [(await anext(messages)).value]
        stopping = asyncio.create_task(server.stop())
        received += [message.value async for message in messages]
        await stopping
    assert received == [str(number) for number in range(30)]


async def test_an_application_that_cannot_start_is_stopped_and_its_error_raised(
    settings: ProbeSettings, application: ProbeApplication
) -> None:
    application.start_error = errors.FailedPreconditionError("there is no model; run the training")
    with pytest.raises(errors.FailedPreconditionError, match="run the training"):
        await serve(settings, application)
    assert application.stopped


async def test_being_told_to_stop_while_starting_ends_the_start(
    settings: ProbeSettings, application: ProbeApplication
) -> None:
    application.may_start.clear()
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(settings, application, stop=stop))
    await application.started.wait()
    stop.set()
    await asyncio.wait_for(serving, 5)
    assert application.stopped


async def test_the_collector_passes_over_what_stands_once_a_service_has_started(
    settings: ProbeSettings, application: ProbeApplication
) -> None:
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(settings, application, stop=stop))
    try:
        async with asyncio.timeout(5):
            while not gc.get_freeze_count():  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.01)
        assert application.started.is_set()
    finally:
        gc.unfreeze()
        stop.set()
        await serving


async def test_a_server_that_stopped_twice_stopped_once(settings: ProbeSettings, application: ProbeApplication) -> None:
    server = Server(settings, application)
    await server.start()
    await server.stop()
    application.stopped = False
    await server.stop()
    assert not application.stopped


async def test_a_client_finds_a_server_that_came_back(settings: ProbeSettings) -> None:
    server = Server(settings, ProbeApplication())
    await server.start()
    port = server.port
    async with open_channel(server.address) as channel:
        assert await call(channel, "Echo", "before") == "before"
        await server.stop()
        again = Server(settings.model_copy(update={"port": port}), ProbeApplication())
        await again.start()
        await asyncio.wait_for(channel.channel_ready(), 5)
        assert await call(channel, "Echo", "after") == "after"
        await again.stop()
