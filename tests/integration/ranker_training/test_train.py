"""The training job against services that speak the real contracts on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from cli.launcher.process import PROCESSES
from cli.shop import Shop
from cli.training import train_shop
from services.common.artifacts import ArtifactStore
from services.common.clock import FixedClock
from services.common.errors import FailedPreconditionError
from services.common.progress import NoProgress
from services.common.timestamps import millis_to_timestamp
from services.common.visitors import visitor_from_key
from services.ranker.training.examples.training_set import stored_training_set
from services.ranker.training.job import train
from services.ranker.training.settings import TrainingSettings
from services.ranker.training.shop.shop_reader import ShopData, read_shop
from tests.support.training_shop import DAY, END, ITEMS, catalog_change, habits
from tests.unit.ranker_model.conftest import tiny_plan
from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.common.v1.visitor_pb2 import CONSENT_ESSENTIAL
from vitrine.events.v1 import event_service_pb2 as log
from vitrine.events.v1.event_pb2 import EVENT_TYPE_PURCHASE, Event
from vitrine.events.v1.event_service_pb2_grpc import EventServiceServicer, add_EventServiceServicer_to_server
from vitrine.features.v1 import catalog_service_pb2 as catalog
from vitrine.features.v1 import user_service_pb2 as users
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceServicer, add_CatalogServiceServicer_to_server
from vitrine.features.v1.user_pb2 import User
from vitrine.features.v1.user_service_pb2_grpc import UserServiceServicer, add_UserServiceServicer_to_server


class FakeShop:
    """What a shop's services know."""

    def __init__(self) -> None:
        self.changes = [catalog_change(item_no, price=1.0 + item_no % 7) for item_no in range(1, ITEMS + 1)]
        self.events: list[log.LoggedEvent] = []
        self.users: list[User] = []
        self.passes: list[str] = []
        """Which of catalog and log was read, each time."""

    def add(
        self, visitor: str, item_id: str, millis: int, *, erased: bool = False, flags: tuple[str, ...] = ()
    ) -> None:
        event = Event(event_id=f"e{len(self.events)}", type=EVENT_TYPE_PURCHASE, item_id=item_id, unit_price=2.0)
        event.visitor.CopyFrom(visitor_from_key(visitor))
        event.event_time.CopyFrom(millis_to_timestamp(millis))
        logged = log.LoggedEvent(offset=len(self.events), erased=erased, flags=flags)
        logged.event.CopyFrom(Event() if erased else event)
        self.events.append(logged)


class FakeEvents(EventServiceServicer):
    """The shop's log, in batches of 100."""

    def __init__(self, shop: FakeShop) -> None:
        self._shop = shop

    async def GetLogStatus(self, request: log.GetLogStatusRequest, context: Any) -> log.GetLogStatusResponse:
        return log.GetLogStatusResponse(end_offsets=[log.PartitionOffset(offset=len(self._shop.events))])

    async def TailEvents(self, request: log.TailEventsRequest, context: Any) -> AsyncIterator[log.TailEventsResponse]:
        assert not request.follow
        self._shop.passes.append("log")
        for begin in range(0, len(self._shop.events), 100):
            yield log.TailEventsResponse(events=self._shop.events[begin : begin + 100])


class FakeCatalog(CatalogServiceServicer):
    """The shop's catalog, in batches of 25."""

    def __init__(self, shop: FakeShop) -> None:
        self._shop = shop

    async def TailCatalog(
        self, request: catalog.TailCatalogRequest, context: Any
    ) -> AsyncIterator[catalog.TailCatalogResponse]:
        assert not request.follow
        self._shop.passes.append("catalog")
        for begin in range(0, len(self._shop.changes), 25):
            yield catalog.TailCatalogResponse(changes=self._shop.changes[begin : begin + 25])


class FakeUsers(UserServiceServicer):
    """The shop's users."""

    def __init__(self, shop: FakeShop) -> None:
        self._shop = shop

    async def LookupUsers(self, request: users.LookupUsersRequest, context: Any) -> users.LookupUsersResponse:
        wanted = {visitor.user_id for visitor in request.visitors}
        return users.LookupUsersResponse(users=[user for user in self._shop.users if user.visitor.user_id in wanted])


@asynccontextmanager
async def serving(shop: FakeShop) -> AsyncIterator[str]:
    server = grpc.aio.server()
    add_EventServiceServicer_to_server(FakeEvents(shop), server)  # type: ignore[abstract]
    add_CatalogServiceServicer_to_server(FakeCatalog(shop), server)  # type: ignore[abstract]
    add_UserServiceServicer_to_server(FakeUsers(shop), server)  # type: ignore[abstract]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def read(shop: FakeShop) -> ShopData:
    async with serving(shop) as address, grpc.aio.insecure_channel(address) as channel:
        return await read_shop(channel, channel, NoProgress())


@pytest.fixture
def shop() -> FakeShop:
    shop = FakeShop()
    for visitor, observation in habits():
        shop.add(visitor, f"item-{observation.item_no}", observation.event_millis)
    return shop


def settings(address: str, state: Path) -> TrainingSettings:
    return TrainingSettings(
        events_address=address, features_address=address, model_server_address="127.0.0.1:1", state_directory=state
    )


@pytest.mark.slow
async def test_a_shop_is_read_trained_on_and_published(shop: FakeShop, tmp_path: Path) -> None:
    clock = FixedClock(datetime(2026, 3, 1, 6, tzinfo=UTC))
    async with serving(shop) as address:
        report = await train(settings(address, tmp_path), clock, NoProgress(), tiny_plan())
    assert report.events == len(shop.events)
    assert report.published
    assert report.version == 20260301060000
    assert (tmp_path / "models" / "behavior" / "20260301060000" / "saved_model.pb").is_file()


@pytest.mark.slow
async def test_all_that_is_built_is_built_from_one_reading(shop: FakeShop, tmp_path: Path) -> None:
    async with serving(shop) as address:
        variables = {process.address_variable: address for process in PROCESSES if process.name != "modelserver"}
        trained = await train_shop(
            Shop(tmp_path, {**variables, "VITRINE_MODEL_SERVER_ADDRESS": "127.0.0.1:1"}), NoProgress(), tiny_plan()
        )
    assert shop.passes == ["catalog", "log"]
    assert trained.report.promoted
    assert trained.candidates.artifacts["neighbors"].metadata["interactions"] == len(shop.events)
    assert {"read", "tables", "linear", "examples", "fit", "publish", "promotion"} <= trained.report.seconds.keys()


async def test_an_empty_shop_is_refused_before_tensorflow_is_loaded(tmp_path: Path) -> None:
    empty = FakeShop()
    empty.changes = []
    async with serving(empty) as address:
        with pytest.raises(FailedPreconditionError, match="0 items"):
            await train(settings(address, tmp_path), FixedClock(datetime(2026, 3, 1, tzinfo=UTC)), NoProgress())
    assert ArtifactStore(tmp_path / "artifacts").current("linear") is None


async def test_erased_flagged_and_homeless_events_are_passed_over(shop: FakeShop) -> None:
    count = len(shop.events)
    shop.add("u:0", "item-1", 5, erased=True)
    shop.add("u:0", "item-1", 5, flags=("BOT_USER_AGENT",))
    shop.add("u:0", "nobody knows it", 5)
    assert len((await read(shop)).table) == count


async def test_attributes_come_along_and_refused_consent_is_respected(shop: FakeShop) -> None:
    shop.users = [
        User(visitor=visitor_from_key("u:1"), attributes={"region": AttributeValue(text="north")}),
        User(visitor=visitor_from_key("u:2"), consent=CONSENT_ESSENTIAL),
    ]
    data = await read(shop)
    assert data.attributes["u:1"]["region"].text == "north"
    visitors = {data.table.visitors[user] for user in data.users}
    assert "u:2" not in visitors
    assert len(visitors) == len(data.table.visitors) - 1


async def test_a_service_that_is_gone_is_said_by_the_call(tmp_path: Path) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await train(settings("127.0.0.1:1", tmp_path), FixedClock(datetime(2026, 3, 1, tzinfo=UTC)), NoProgress())
    assert gone.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.slow
async def test_a_later_run_makes_new_examples_alone_and_goes_on_from_what_serves(
    shop: FakeShop, tmp_path: Path
) -> None:
    clock, plan = FixedClock(datetime(2026, 3, 1, 6, tzinfo=UTC)), replace(tiny_plan(), cut_days=7.0)
    async with serving(shop) as address:
        first = await train(settings(address, tmp_path), clock, NoProgress(), plan)
        for number in range(12):
            shop.add(f"u:{number}", f"item-{number + 1}", END + DAY + number)
        clock.advance(timedelta(days=1))
        second = await train(settings(address, tmp_path), clock, NoProgress(), plan)
    assert first.promoted
    assert (first.warm_from, second.warm_from) == (None, first.version)
    assert len(first.made_cuts) == 5
    assert set(second.made_cuts) == {second.training_cuts[-1], *second.validation_cuts}
    assert second.last_event_millis > first.last_event_millis


@pytest.mark.slow
async def test_who_is_erased_is_in_the_training_set_until_the_next_run_or_the_erasure(
    shop: FakeShop, tmp_path: Path
) -> None:
    async with serving(shop) as address:
        await train(
            settings(address, tmp_path), FixedClock(datetime(2026, 3, 1, tzinfo=UTC)), NoProgress(), tiny_plan()
        )
        examples = stored_training_set(tmp_path)
        assert examples
        assert examples.forget(["u:1"]) > 0
        assert (examples.count(["u:1"]), examples.count(["u:2"]) > 0) == (0, True)
        for logged in shop.events:
            if logged.event.visitor.user_id == "2":
                logged.event.Clear()
                logged.erased = True
        await train(
            settings(address, tmp_path), FixedClock(datetime(2026, 3, 2, tzinfo=UTC)), NoProgress(), tiny_plan()
        )
    assert examples.count(["u:2"]) == 0
    assert examples.count(["u:3"]) > 0
