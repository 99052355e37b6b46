"""The clients of the four services that the homepage calls."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import grpc

from services.common.channels import ChannelLimits, open_channel
from services.common.circuit_breaker import CircuitBreaker
from services.homepage.clients.candidates_client import CandidateFinder, CandidatesClient
from services.homepage.clients.events_client import EventLog, EventsClient
from services.homepage.clients.features_client import Features, FeaturesClient
from services.homepage.clients.ranker_client import Ranker, RankerClient
from services.homepage.settings import HomepageSettings


@dataclass(frozen=True, slots=True)
class Clients:
    """Ports to the other services; tests hand in their own."""

    features: Features
    candidates: CandidateFinder
    ranker: Ranker
    events: EventLog


def connect(settings: HomepageSettings, stack: AsyncExitStack, elapsed_clock: Callable[[], float]) -> Clients:
    """Returns clients over channels that `stack` closes. Call it in the running event loop."""
    # One retry: a page has fallbacks, and no time to lose.
    limits = ChannelLimits(max_message_bytes=settings.max_message_bytes, max_attempts=2)

    def channel(address: str) -> grpc.aio.Channel:
        opened = open_channel(address, limits=limits)
        stack.push_async_callback(opened.close)
        return opened

    def breaker() -> CircuitBreaker:
        return CircuitBreaker(elapsed_clock)

    return Clients(
        FeaturesClient(channel(settings.features_address), breaker),
        CandidatesClient(channel(settings.candidates_address), breaker),
        RankerClient(channel(settings.ranker_address), breaker),
        EventsClient(channel(settings.events_address), breaker),
    )
