"""The homepage over real gRPC, with fakes of the four services behind it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2_grpc

from services.common.clock import FixedClock
from services.common.errors import VitrineError
from services.common.rpc_status import from_rpc_error
from services.common.server import running
from services.homepage.app import build
from services.homepage.settings import HomepageSettings
from tests.support.homepage_shop.fake_candidates import FakeCandidates
from tests.support.homepage_shop.fake_events import FakeEvents
from tests.support.homepage_shop.fake_features import FakeFeatures
from tests.support.homepage_shop.fake_ranker import FakeRanker
from tests.support.homepage_shop.shop import FakeShop
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


@contextlib.asynccontextmanager
async def harness(shop: FakeShop, state: Path, **settings: Any) -> AsyncIterator[Harness]:
    """Runs the homepage and its fakes while the block runs; debug requests are allowed by default."""
    settings.setdefault("debug_allowed", True)
    fakes = Harness(
        FakeFeatures(shop),  # type: ignore[abstract]  # the methods that the homepage does not call stay unimplemented
        FakeCandidates(shop),  # type: ignore[abstract]  # the same
        FakeRanker(),  # type: ignore[abstract]  # the same
        FakeEvents(),  # type: ignore[abstract]  # the same
        shop,
    )
    async with contextlib.AsyncExitStack() as stack:
        addresses: dict[str, str] = {}
        for name in ("features", "candidates", "ranker", "events"):
            server = grpc.aio.server()
            getattr(fakes, name).add_to(server)
            health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
            addresses[f"{name}_address"] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
            await server.start()
            stack.push_async_callback(server.stop, None)
        chosen = {"port": 0, "grace_seconds": 0.5, "state_directory": state, **addresses, **settings}
        homepage_settings = HomepageSettings(**chosen)
        running_server = await stack.enter_async_context(
            running(homepage_settings, build(homepage_settings, fakes.clock))
        )
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(running_server.address))
        fakes.stub = HomepageServiceStub(channel)
        yield fakes
