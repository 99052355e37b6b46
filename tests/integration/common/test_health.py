import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.common import errors
from services.common.channels import open_channel
from services.common.server import Server, running
from tests.support.probe_client import call, failure
from tests.support.probe_service import PROBE_SERVICE, ProbeApplication, ProbeSettings
from tests.support.probe_start import starting_server

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def check(channel: grpc.aio.Channel, name: str) -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
    return int(answer.status)


@pytest.mark.parametrize("name", ["", PROBE_SERVICE, "liveness"])
async def test_a_running_server_is_serving(channel: grpc.aio.Channel, name: str) -> None:
    assert await check(channel, name) == SERVING


async def test_a_service_that_is_not_there_has_no_health(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await check(channel, "vitrine.probe.v1.OtherService")

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_starting_server_is_alive_and_not_ready(settings: ProbeSettings) -> None:
    async with (
        starting_server(settings) as (server, finish),
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        assert await check(channel, "liveness") == SERVING
        assert await check(channel, "") == NOT_SERVING
        assert await check(channel, PROBE_SERVICE) == NOT_SERVING
        error = await failure(channel, "Echo")
        assert isinstance(error, errors.UnavailableError)
        assert error.reason == "SERVICE_STARTING"

        await finish()
        assert await check(channel, "") == SERVING
        assert await call(channel, "Echo", "now") == "now"


async def test_a_client_waits_for_a_server_that_is_starting(settings: ProbeSettings) -> None:
    async with starting_server(settings) as (server, finish), open_channel(server.address) as channel:
        connecting = asyncio.create_task(channel.channel_ready())
        await asyncio.sleep(0.1)
        assert not connecting.done()
        await finish()
        await asyncio.wait_for(connecting, 5)


async def test_watchers_see_the_server_go_before_it_stops_answering(
    settings: ProbeSettings, application: ProbeApplication
) -> None:
    server = Server(settings, application)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=PROBE_SERVICE))
        assert (await watch.read()).status == SERVING
        in_flight = asyncio.create_task(call(channel, "Sleep", "0.2"))
        await application.in_call.wait()
        stopping = asyncio.create_task(server.stop())
        assert (await watch.read()).status == NOT_SERVING
        assert not in_flight.done()
        assert await in_flight == "slept"
        await stopping


async def test_reflection_lists_the_services(channel: grpc.aio.Channel) -> None:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]  # typed for synchronous channels
    requests = [reflection_pb2.ServerReflectionRequest(list_services="")]
    answers = [answer async for answer in stub.ServerReflectionInfo(iter(requests), timeout=5)]

    names = {service.name for service in answers[0].list_services_response.service}
    assert names == {PROBE_SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_a_port_of_zero_is_any_free_one(settings: ProbeSettings) -> None:
    async with running(settings, ProbeApplication()) as one, running(settings, ProbeApplication()) as other:
        assert 0 < one.port != other.port > 0
