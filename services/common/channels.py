"""Channels to other services: opened once per process, load balanced, kept alive, with restrained retries."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import grpc

from services.common.telemetry import tracing

_Answer = TypeVar("_Answer")

_SCHEMES: Final = ("dns:", "ipv4:", "ipv6:", "unix:", "xds:")


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """The limits of a channel. `max_attempts` 1 means no retry; `watch_health` skips servers that aren't ready."""

    max_message_bytes: int = 16 * 1024 * 1024
    keepalive_seconds: float = 30.0
    max_attempts: int = 3
    watch_health: bool = True


DEFAULT_LIMITS: Final = ChannelLimits()


def open_channel(address: str, *, limits: ChannelLimits = DEFAULT_LIMITS) -> grpc.aio.Channel:
    """Returns a channel to `address` ("host:port", or a gRPC target with its scheme). Connects on the first call.

    Calls are spread over all addresses behind the name. Only UNAVAILABLE is retried (AIP-194), and not while more than
    a third of the calls fail: retries must not keep a service down. The current trace is propagated.
    """
    target = address if address.startswith(_SCHEMES) else f"dns:///{address}"
    return grpc.aio.insecure_channel(target, options=_options(limits), interceptors=tracing.client_interceptors())


@asynccontextmanager
async def answers_of(
    call: "grpc.aio.UnaryStreamCall[Any, _Answer]",
) -> AsyncIterator["grpc.aio.UnaryStreamCall[Any, _Answer]"]:
    """The answers of a stream while the block runs. A block that leaves early, for example with an exception, cancels
    the call: otherwise the server would go on sending, and both would keep what nobody reads.
    """
    try:
        yield call
    finally:
        call.cancel()


def _options(limits: ChannelLimits) -> list[tuple[str, Any]]:
    return [
        ("grpc.service_config", json.dumps(service_config(limits))),
        ("grpc.enable_retries", 1),
        ("grpc.max_receive_message_length", limits.max_message_bytes),
        ("grpc.max_send_message_length", limits.max_message_bytes),
        ("grpc.keepalive_time_ms", round(limits.keepalive_seconds * 1000)),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # A server that comes back is found within two seconds, not two minutes.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # Each channel has its own connections, and isn't affected by another one's failures and backoff.
        ("grpc.use_local_subchannel_pool", 1),
    ]


def service_config(limits: ChannelLimits) -> dict[str, Any]:
    """Returns gRPC's service config (https://github.com/grpc/grpc-proto, service_config.proto)."""
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if limits.max_attempts > 1:
        retries = {
            "maxAttempts": limits.max_attempts,
            "initialBackoff": "0.02s",
            "maxBackoff": "0.5s",
            "backoffMultiplier": 3,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        config["methodConfig"] = [{"name": [{}], "retryPolicy": retries}]
        config["retryThrottling"] = {"maxTokens": 100, "tokenRatio": 0.5}
    if limits.watch_health:
        config["healthCheckConfig"] = {"serviceName": ""}
    return config
