import asyncio

import grpc
import pytest

from services.common import errors
from tests.support.probe_client import call, failure, follow
from tests.support.probe_service import ProbeApplication


async def test_a_call_without_a_deadline_ends_at_the_default_one(
    channel: grpc.aio.Channel, application: ProbeApplication
) -> None:
    error = await failure(channel, "Sleep", "30", seconds=None)

    assert isinstance(error, errors.DeadlineExceededError)
    assert error.reason == "DEFAULT_DEADLINE_EXCEEDED"
    assert "0.3 s" in error.message
    assert application.canceled.is_set()


async def test_a_longer_deadline_of_the_client_wins_over_the_default(channel: grpc.aio.Channel) -> None:
    assert await call(channel, "Sleep", "0.4", seconds=10) == "slept"


async def test_a_client_that_gives_up_ends_the_work(channel: grpc.aio.Channel, application: ProbeApplication) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(channel, "Sleep", "30", seconds=0.1)

    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(application.canceled.wait(), 5)


async def test_an_onward_call_gets_the_clients_time_less_the_reserve(channel: grpc.aio.Channel) -> None:
    assert 7.5 < float(await call(channel, "TimeLeft", "2", seconds=10)) <= 8.0


async def test_an_onward_call_gets_the_default_time_where_the_client_set_none(channel: grpc.aio.Channel) -> None:
    assert 0.1 < float(await call(channel, "TimeLeft", "0.1", seconds=None)) <= 0.2


async def test_no_time_is_left_where_the_reserve_is_larger_than_it(channel: grpc.aio.Channel) -> None:
    assert float(await call(channel, "TimeLeft", "60", seconds=10)) == 0.0


async def test_a_stream_without_a_deadline_outlives_the_default_one(channel: grpc.aio.Channel) -> None:
    assert len([message async for message in follow(channel, "Count", "20", seconds=None)]) == 20  # over 0.4 s
