"""The homepage with fakes of the four services behind it: in one process, or over real gRPC."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc

from services.common.circuit_breaker import CircuitBreaker
from services.common.clock import FixedClock
from services.common.errors import VitrineError
from services.common.rpc_status import from_rpc_error
from services.common.server import running
from services.homepage.app import build
from services.homepage.clients.candidates_client import CandidatesClient
from services.homepage.clients.clients import Clients
from services.homepage.clients.events_client import EventsClient
from services.homepage.clients.features_client import FeaturesClient
from services.homepage.clients.ranker_client import RankerClient
from services.homepage.settings import HomepageSettings
from tests.support.homepage_shop.fake_candidates import FakeCandidates
from tests.support.homepage_shop.fake_events import FakeEvents
from tests.support.homepage_shop.fake_features import FakeFeatures
from tests.support.homepage_shop.fake_ranker import FakeRanker
from tests.support.homepage_shop.shop import FakeShop
from tests.support.in_process import InProcessChannel
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.homepage.v1 import homepage_service_pb2 as homepage
from vitrine.homepage.v1.homepage_service_pb2_grpc import HomepageServiceStub
from vitrine.homepage.v1.page_pb2 import Page

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOBODY = Visitor(anonymous_id="nobody")


@dataclass
class Harness:
    """The running homepage and its fakes."""

    features: FakeFeatures
    candidates: FakeCandidates
    ranker: FakeRanker
    events: FakeEvents
    shop: FakeShop
    stub: Any = None
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))

    async def page(self, timeout: float = 5.0, **fields: Any) -> Page:  # noqa: ASYNC109  # gRPC's word
        """Returns the page of a request."""
        fields.setdefault("visitor", NOBODY)
        response = await self.stub.GetHomepage(homepage.GetHomepageRequest(**fields), timeout=timeout)
        return response.page  # type: ignore[no-any-return]

    async def error(self, method: str, request: Any) -> VitrineError:
        """Returns the error that a call ends with."""
        try:
            await getattr(self.stub, method)(request, timeout=5)
        except grpc.aio.AioRpcError as error:
            return from_rpc_error(error)
        raise AssertionError(f"{method} answered")

    @staticmethod
    async def static_pages_kept(state: Path) -> None:
        """Waits until the static pages are kept: the first ones are made when the service starts."""
        while not all((state / "homepage" / f"static-{name}.binpb").exists() for name in ("home", "feed")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


FAKES = ("features", "candidates", "ranker", "events")


@contextlib.asynccontextmanager
async def harness(shop: FakeShop, state: Path, **settings: Any) -> AsyncIterator[Harness]:
    """Runs the homepage and its fakes in this process; debug requests are allowed by default."""
    fakes = _fakes(shop)
    channels = {name: InProcessChannel() for name in FAKES}
    for name, channel in channels.items():
        getattr(fakes, name).add_to(channel)

    def breaker() -> CircuitBreaker:
        return CircuitBreaker(time.perf_counter)

    clients: dict[str, Any] = {
        name: client(channels[name], breaker)  # type: ignore[arg-type]  # it has what stubs use
        for name, client in (
            ("features", FeaturesClient),
            ("candidates", CandidatesClient),
            ("ranker", RankerClient),
            ("events", EventsClient),
        )
    }
    gateway = InProcessChannel()
    application = build(_settings(state, settings), fakes.clock, Clients(**clients))
    application.register(gateway)  # type: ignore[arg-type]  # it has what is used
    await application.start()
    try:
        fakes.stub = HomepageServiceStub(gateway)  # type: ignore[call-overload]  # the same
        yield fakes
    finally:
        await application.stop()


@contextlib.asynccontextmanager
async def wire_harness(shop: FakeShop, state: Path, **settings: Any) -> AsyncIterator[Harness]:
    """Runs the same over real gRPC."""
    fakes = _fakes(shop)
    async with contextlib.AsyncExitStack() as stack:
        addresses: dict[str, str] = {}
        for name in FAKES:
            server = grpc.aio.server()
            getattr(fakes, name).add_to(server)
            addresses[f"{name}_address"] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
            await server.start()
            stack.push_async_callback(server.stop, None)
        chosen = _settings(state, addresses | settings)
        running_server = await stack.enter_async_context(running(chosen, build(chosen, fakes.clock)))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(running_server.address))
        fakes.stub = HomepageServiceStub(channel)
        yield fakes


def _fakes(shop: FakeShop) -> Harness:
    return Harness(
        FakeFeatures(shop),  # type: ignore[abstract]  # the methods that the homepage does not call stay unimplemented
        FakeCandidates(shop),  # type: ignore[abstract]  # the same
        FakeRanker(),  # type: ignore[abstract]  # the same
        FakeEvents(),  # type: ignore[abstract]  # the same
        shop,
    )


def _settings(state: Path, settings: Mapping[str, Any]) -> HomepageSettings:
    return HomepageSettings(
        **{"port": 0, "grace_seconds": 0.5, "state_directory": state, "debug_allowed": True, **settings}
    )
