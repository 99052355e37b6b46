from typing import Any

import grpc
import pytest

from services.common import errors
from services.common.channels import open_channel
from services.common.rpc_status import from_rpc_error
from services.common.server import Server
from tests.support.probe_client import call, failure, follow, join
from tests.support.probe_service import PROBE_SERVICE

LIMIT = 64 * 1024


async def test_a_request_within_the_limit_is_answered(channel: grpc.aio.Channel) -> None:
    assert await call(channel, "Echo", "x" * (LIMIT - 100)) == "x" * (LIMIT - 100)


async def test_a_request_over_the_limit_is_refused_with_advice(channel: grpc.aio.Channel) -> None:
    error = await failure(channel, "Echo", "x" * LIMIT)

    assert isinstance(error, errors.ResourceExhaustedError)
    assert error.reason == "REQUEST_TOO_LARGE"
    assert "send fewer elements" in error.message
    assert error.metadata == {"limit_bytes": str(LIMIT)}


async def test_a_request_far_over_the_limit_is_refused_before_it_fills_the_memory(channel: grpc.aio.Channel) -> None:
    error = await failure(channel, "Echo", "x" * (LIMIT * 10))

    assert isinstance(error, errors.ResourceExhaustedError)
    assert error.reason == "MESSAGE_TOO_LARGE"
    assert "fewer elements" in error.message


async def test_a_message_over_the_limit_in_a_stream_is_refused_with_advice(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await join(channel, ["a", "x" * LIMIT])

    assert from_rpc_error(caught.value).reason == "REQUEST_TOO_LARGE"


async def test_an_answer_over_the_limit_is_refused_with_advice(channel: grpc.aio.Channel) -> None:
    error = await failure(channel, "Grow", str(LIMIT))

    assert isinstance(error, errors.ResourceExhaustedError)
    assert error.reason == "ANSWER_TOO_LARGE"
    assert "ask for fewer" in error.message


async def test_an_answer_over_the_clients_own_limit_is_explained(server: Server) -> None:
    async with grpc.aio.insecure_channel(server.address, [("grpc.max_receive_message_length", 1000)]) as narrow:
        error = await failure(narrow, "Grow", "5000")

    assert error.reason == "MESSAGE_TOO_LARGE"
    assert "fewer elements" in error.message


async def test_bytes_that_are_no_message_are_the_callers_fault(channel: grpc.aio.Channel) -> None:
    raw: Any = channel.unary_unary(f"/{PROBE_SERVICE}/Echo")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await raw(b"\xff\xff\xff", timeout=5)

    error = from_rpc_error(caught.value)
    assert isinstance(error, errors.InvalidArgumentError)
    assert error.reason == "REQUEST_UNREADABLE"


async def test_streams_of_requests_and_answers_pass_unchanged(channel: grpc.aio.Channel) -> None:
    assert await join(channel, ["a", "/", "🛍", ""]) == "a/🛍"
    assert [message.value async for message in follow(channel, "Count", "3")] == ["0", "1", "2"]


async def test_an_empty_stream_of_requests_is_answered(channel: grpc.aio.Channel) -> None:
    assert await join(channel, []) == ""


async def test_a_channel_opened_twice_to_one_server_works(server: Server) -> None:
    async with open_channel(server.address) as one, open_channel(f"ipv4:{server.address}") as other:
        assert await call(one, "Echo", "1") == "1"
        assert await call(other, "Echo", "2") == "2"
