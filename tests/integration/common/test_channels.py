import asyncio

import grpc
import pytest

from services.common import errors
from services.common.channels import ChannelLimits, open_channel
from services.common.server import running
from tests.support.probe_client import call, failure
from tests.support.probe_service import ProbeApplication, ProbeSettings
from tests.support.probe_start import starting_server


async def test_unavailable_is_tried_again(channel: grpc.aio.Channel) -> None:
    assert await call(channel, "Flaky", "UNAVAILABLE") == "2"


@pytest.mark.parametrize("code", ["INTERNAL", "RESOURCE_EXHAUSTED", "ABORTED", "DEADLINE_EXCEEDED"])
async def test_nothing_else_is_tried_again(channel: grpc.aio.Channel, application: ProbeApplication, code: str) -> None:
    error = await failure(channel, "Flaky", code)

    assert error.message == "the first call fails"
    assert application.calls == 1


async def test_calls_are_spread_over_all_servers(settings: ProbeSettings) -> None:
    applications = [ProbeApplication(), ProbeApplication()]
    for application in applications:
        application.calls = 1  # beyond the failing one
    async with (
        running(settings, applications[0]) as one,
        running(settings, applications[1]) as other,
        open_channel(f"ipv4:{one.address},{other.address}") as channel,
    ):
        await call(channel, "Echo")
        await asyncio.sleep(0.2)  # until both are connected
        for _ in range(20):
            await call(channel, "Flaky", "INTERNAL")
    assert [application.calls - 1 for application in applications] == [10, 10]


async def test_a_server_that_is_not_ready_gets_no_calls(settings: ProbeSettings) -> None:
    async with (
        starting_server(settings) as (starting, _),
        running(settings, ProbeApplication()) as ready,
        open_channel(f"ipv4:{starting.address},{ready.address}", limits=ChannelLimits(max_attempts=1)) as channel,
    ):
        answers = [await call(channel, "Echo", str(number)) for number in range(20)]
    assert answers == [str(number) for number in range(20)]


async def test_nobody_at_the_address_is_unavailable(settings: ProbeSettings) -> None:
    async with running(settings, ProbeApplication()) as gone:
        address = gone.address
    async with open_channel(address) as channel:
        error = await failure(channel, "Echo", seconds=3.0)
    assert isinstance(error, errors.UnavailableError)
