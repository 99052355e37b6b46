"""Calls to the probe service."""

from collections.abc import Iterable
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from services.common.errors import VitrineError
from services.common.rpc_status import from_rpc_error
from tests.support.probe_service import PROBE_SERVICE

_CODECS = (StringValue.SerializeToString, StringValue.FromString)


async def call(channel: grpc.aio.Channel, method: str, value: str = "", seconds: float | None = 10.0) -> str:
    """Calls a method with one answer; returns that."""
    answer: StringValue = await _unary(channel, method)(StringValue(value=value), timeout=seconds)
    return answer.value


def follow(channel: grpc.aio.Channel, method: str, value: str = "", seconds: float | None = 10.0) -> Any:
    """Calls a method with a stream of answers; returns the call."""
    return channel.unary_stream(f"/{PROBE_SERVICE}/{method}", *_CODECS)(StringValue(value=value), timeout=seconds)


async def failure(
    channel: grpc.aio.Channel, method: str, value: str = "", seconds: float | None = 10.0
) -> VitrineError:
    """Calls a method with one answer that must fail; returns the error as clients see it."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(channel, method, value, seconds)
    return from_rpc_error(caught.value)


async def join(channel: grpc.aio.Channel, values: Iterable[str]) -> str:
    """Sends a stream of messages; returns the one answer."""
    method = channel.stream_unary(f"/{PROBE_SERVICE}/Join", *_CODECS)
    answer: StringValue = await method(iter([StringValue(value=value) for value in values]), timeout=10.0)
    return answer.value


def _unary(channel: grpc.aio.Channel, method: str) -> Any:
    return channel.unary_unary(f"/{PROBE_SERVICE}/{method}", *_CODECS)
