"""No log, trace or metric of a running shop names a visitor."""

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import TypeAlias
from urllib.request import urlopen

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

from cli.launcher.launcher import Launcher
from cli.launcher.ports import any_free_port
from cli.launcher.process import PROCESSES
from services.common.channels import open_channel
from tests.support.fake_collector import FakeCollector, serving_collector
from tests.support.whole_requests import CONTRACTS, call, filled, methods_of
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_PURCHASE, EVENT_TYPE_VIEW, Event
from vitrine.features.v1.user_service_pb2 import DeleteUserRequest, MergeUsersRequest
from vitrine.features.v1.user_service_pb2_grpc import UserServiceStub
from vitrine.homepage.v1 import homepage_service_pb2 as pages
from vitrine.homepage.v1.homepage_service_pb2_grpc import HomepageServiceStub

pytestmark = pytest.mark.slow

WANTED = "wanted-7f3a9c"
# As it should be, and as it should not: too long, with a control character, with quotes.
IDS = [f"{WANTED} ü", f"{WANTED}\n", f"{WANTED}{'x' * 300}", f"'{WANTED}' \"or\" 1=1; --"]
SERVICES = tuple(CONTRACTS)
SECONDS = 1.5


class Shop:
    """All services of a shop in processes of their own, telling everything they have to tell."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder = folder
        self.metrics = {name: any_free_port() for name in SERVICES}
        environment = {
            **os.environ,
            "VITRINE_LOG_LEVEL": "DEBUG",
            "VITRINE_OTLP_ENDPOINT": endpoint,
            **{process.port_variable: str(any_free_port()) for process in PROCESSES},
            **{f"VITRINE_{name.upper()}_METRICS_PORT": str(port) for name, port in self.metrics.items()},
        }
        self.launcher = Launcher(folder, environment, exit_with_parent=True)

    def start(self) -> None:
        """Starts what does not run."""
        for _ in self.launcher.wait_until_serving(self.launcher.start(SERVICES), timeout_seconds=60):
            pass

    def channel(self, name: str) -> grpc.aio.Channel:
        return open_channel(f"127.0.0.1:{self.launcher.ports()[name]}")


async def visit(shop: Shop) -> None:
    """A visitor sees pages, buys, signs in, and wants to be forgotten."""
    visitor = Visitor(user_id=IDS[0], anonymous_id=IDS[0] + " at first")
    events = [
        Event(event_id=str(number), visitor=visitor, type=kind, item_id="tea", unit_price=2.0)
        for number, kind in enumerate((EVENT_TYPE_VIEW, EVENT_TYPE_PURCHASE))
    ]
    async with shop.channel("homepage") as homepage, shop.channel("features") as features:
        gateway, users = HomepageServiceStub(homepage), UserServiceStub(features)
        await gateway.IngestEvents(pages.IngestEventsRequest(events=events), timeout=10)
        await gateway.GetHomepage(pages.GetHomepageRequest(visitor=visitor), timeout=10)
        await users.MergeUsers(
            MergeUsersRequest(anonymous_id=visitor.anonymous_id, user_id=visitor.user_id), timeout=10
        )
        await gateway.GetHomepage(pages.GetHomepageRequest(visitor=visitor), timeout=10)
        await users.DeleteUser(DeleteUserRequest(visitor=visitor, request_id=IDS[0]), timeout=10)


async def call_everything(shop: Shop, names: tuple[str, ...] = SERVICES) -> Counter[grpc.StatusCode]:
    """Calls every method with the visitor in every place where a text may be; returns how the calls ended."""
    ends: Counter[grpc.StatusCode] = Counter()
    for name in names:
        async with shop.channel(name) as channel:
            for method in methods_of(name):
                requests = [
                    filled(GetMessageClass(method.input_type)(), text, visitors_only=only)
                    for text in IDS
                    for only in (True, False)
                ]
                ends.update(await asyncio.gather(*(call(channel, method, each, SECONDS) for each in requests)))
    return ends


Told: TypeAlias = tuple[Shop, FakeCollector, Counter[grpc.StatusCode], bytes]


@pytest.fixture
async def told(tmp_path: Path) -> Told:
    """A shop that was called in every way, whole and with services missing, and then stopped; and what it told."""
    async with serving_collector() as (collector, endpoint):
        shop = Shop(tmp_path, endpoint)
        try:
            await asyncio.to_thread(shop.start)
            await visit(shop)
            ends = await call_everything(shop)
            metrics = await asyncio.to_thread(read_metrics, shop)
            # With all the time they need to send their spans: of their second life there are none.
            await asyncio.to_thread(shop.launcher.stop, ["events", "features"])
            ends += await call_everything(shop, ("homepage", "candidates", "ranker"))
            await asyncio.to_thread(shop.start)
        finally:
            # The spans that still wait are sent before the end.
            await asyncio.to_thread(shop.launcher.stop)
    return shop, collector, ends, metrics


def read_metrics(shop: Shop) -> bytes:
    parts = []
    for port in shop.metrics.values():
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            parts.append(answer.read())
    return b"".join(parts)


async def test_nothing_that_a_shop_tells_names_a_visitor(told: Told) -> None:
    shop, collector, ends, metrics = told
    logs = {name: shop.launcher.log_file(name).read_bytes() for name in SERVICES}
    # It was called, it refused, it failed, and it told of that.
    assert {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNAVAILABLE} <= set(ends)
    assert all(b'"serving"' in log for log in logs.values())
    assert collector.services == set(SERVICES)
    assert {span.status.code for span in collector.spans} >= {0, 2}  # what went well and what failed
    assert b"vitrine_homepage" in metrics
    wanted = WANTED.encode()
    assert [line for log in logs.values() for line in log.splitlines() if wanted in line] == []
    assert [span for span in collector.spans if wanted in span.SerializeToString()] == []
    assert wanted not in metrics
    print(f"{sum(ends.values())} calls, {sum(map(len, logs.values()))} bytes of logs, {len(collector.spans)} spans")
