"""Whatever the order in which a shop's events arrive, however often and in whatever batches, through the real log and a
feature store that is restarted on the way: the features and statistics are those of the history read once, in order.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

import grpc
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from services.common import event_types as e
from services.common.clock import FixedClock
from services.common.server import running
from services.common.timestamps import from_millis
from services.events.app import build as build_events
from services.events.settings import EventsSettings
from services.features.definitions.item_statistics import ItemStatistics
from services.features.definitions.observation import Observation, observe
from services.features.definitions.user_state import UserState
from services.features.settings import FeaturesSettings
from services.ranker.training.shop.catalog import TrainingCatalog
from tests.integration.features.shop import item, shop
from tests.support.migrated_stores import lay_stores
from tests.support.same_features import assert_same_features
from tests.unit.features.strategies import DAY, NOW, histories
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import SUBJECT_KIND_BRAND, Event, Subject
from vitrine.events.v1.event_service_pb2 import IngestEventsRequest
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub
from vitrine.features.v1.catalog_service_pb2 import TailCatalogRequest
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsRequest, ListItemStatisticsResponse
from vitrine.features.v1.user_features_pb2 import FEATURE_STATUS_MISSING, UserFeatures

EXAMPLES: Final = 15
USERS: Final = 2
CLOCK: Final = FixedClock(from_millis(NOW + DAY))
ITEMS: Final = range(1, 7)
COUNTED: Final = {e.ADD_TO_CART, e.REMOVE_FROM_CART, e.PURCHASE, e.REFUND}


class RunningShop:
    """A log and, restarted at will, a feature store, on a loop of their own."""

    def __init__(self, runner: asyncio.Runner, folder: Path) -> None:
        self._runner = runner
        self._folder = folder
        self._names = itertools.count()
        self._sent = 0
        self._stack = contextlib.AsyncExitStack()

    async def start(self) -> None:
        lay_stores(self._folder)
        limits = {"burst_repeats": 1_000, "bot_events_per_minute": 10_000}
        log = EventsSettings(state_directory=self._folder, port=0, grace_seconds=0, **limits)  # type: ignore[arg-type]
        server = await self._stack.enter_async_context(running(log, build_events(log)))
        channel = await self._stack.enter_async_context(grpc.aio.insecure_channel(server.address))
        self._log = EventServiceStub(channel)
        self._settings = FeaturesSettings(
            state_directory=self._folder, port=0, events_address=server.address, grace_seconds=0
        )

    async def stop(self) -> None:
        await self._stack.aclose()

    def sell(self, history: Sequence[Observation], random: Random) -> "Sold":
        """Sells a history to users and of items of its own: shuffled, a third of it sent twice, in batches of any size,
        with the store restarted in between.
        """
        return self._runner.run(self._sell(history, random))

    async def _sell(self, history: Sequence[Observation], random: Random) -> "Sold":
        name = f"example {next(self._names)}"
        events = [event_of(observation, number, name) for number, observation in enumerate(history)]
        sent = list(events)
        random.shuffle(sent)
        sent += random.sample(sent, len(sent) // 3)
        middle = random.randint(0, len(sent))
        self._sent += len(events)
        async with shop(self._settings, CLOCK) as features:
            await self._send(sent[:middle], random)
            await features.until(lambda status: status.caught_up)
        async with shop(self._settings, CLOCK) as features:
            await self._send(sent[middle:], random)
            # Only now: what happened before an item came joins it.
            results = await features.upsert(
                *(item(f"{name} item {number}", "Food", f"{name} {number % 3}", brand=name) for number in ITEMS)
            )
            await features.saved(self._sent)
            await features.until(lambda status: status.caught_up)
            visitors = [Visitor(user_id=f"{name} user {user}") for user in range(USERS)]
            catalog = TrainingCatalog()
            async for page in features.catalog.TailCatalog(TailCatalogRequest(brief=True)):
                catalog.apply(page.changes)
            return Sold(
                [result.item_no for result in results],
                catalog,
                [await features.user(visitor) for visitor in visitors],
                await features.features.ListItemStatistics(ListItemStatisticsRequest()),
            )

    async def _send(self, events: Sequence[Event], random: Random) -> None:
        while events:
            size = random.randint(1, 20)
            response = await self._log.IngestEvents(IngestEventsRequest(events=events[:size]))
            assert not [result for result in response.results if result.reason]
            events = events[size:]


@dataclass
class Sold:
    """What the services know of a history."""

    item_nos: Sequence[int]
    catalog: TrainingCatalog
    users: Sequence[UserFeatures]
    statistics: ListItemStatisticsResponse


@pytest.fixture(scope="module")
def running_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    with asyncio.Runner() as runner:
        made = RunningShop(runner, tmp_path_factory.mktemp("any-order"))
        runner.run(made.start())
        yield made
        runner.run(made.stop())


def event_of(observation: Observation, number: int, name: str) -> Event:
    made = Event(
        event_id=f"{name} {observation.event_id}",
        visitor=Visitor(user_id=f"{name} user {number % USERS}"),
        type=observation.type,  # type: ignore[arg-type]  # the stubs' own type for enumerations
        quantity=observation.quantity,
        unit_price=observation.unit_price,
        watched_fraction=observation.watched_fraction,
        search_text=observation.search_text,
        order_id=observation.order_id,
    )
    made.event_time.FromMilliseconds(observation.event_millis)
    if observation.item_no:
        made.item_id = f"{name} item {observation.item_no}"
    elif observation.subject is not None:
        made.subject.CopyFrom(Subject(kind=SUBJECT_KIND_BRAND, subject_id=observation.subject))
    return made


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories(40), random=st.randoms(use_true_random=False))
def test_features_and_statistics_are_those_of_the_history_in_order(
    running_shop: RunningShop, history: list[Observation], random: Random
) -> None:
    event(f"{len(history) // 10 * 10}+ events")
    sold = running_shop.sell(history, random)
    states = [UserState() for _ in range(USERS)]
    statistics = ItemStatistics()
    for number, observation in sorted(enumerate(history), key=lambda pair: pair[1].event_millis):
        item_no = sold.item_nos[observation.item_no - 1] if observation.item_no else 0
        name = sold.users[0].visitor.user_id.removesuffix(" user 0")
        seen = observe(event_of(observation, number, name), item_no)
        # The log takes the quantity of anything but carts, purchases and refunds as 1.
        statistics.apply(
            states[number % USERS].apply(replace(seen, quantity=seen.quantity if seen.type in COUNTED else 1))
        )
    for state, found in zip(states, sold.users, strict=True):
        expected = state.features(found.query_time_millis, sold.catalog.affinity_columns())
        expected.visitor.CopyFrom(found.visitor)
        expected.applied_offsets.MergeFrom(found.applied_offsets)
        expected.consent = found.consent
        expected.catalog_version = found.catalog_version
        expected.states.add(feature="attributes", status=FEATURE_STATUS_MISSING)
        assert_same_features(found, expected)
    assert_same_statistics(sold, statistics)


def assert_same_statistics(sold: Sold, expected: ItemStatistics) -> None:
    found = sold.statistics
    place_of = {item_no: place for place, item_no in enumerate(found.item_nos)}
    for item_no in expected.unsaved():
        place, row = place_of[item_no], expected.row(item_no)
        assert found.view_counts[place] == row.views
        assert found.favorite_counts[place] == row.favorites
        assert found.cart_counts[place] == row.carts
        assert found.purchase_counts[place] == row.purchases
        assert found.buyer_counts[place] == row.buyers
        assert found.user_counts[place] == row.users
        assert found.impression_counts[place] == row.impressions
        for name in ("decayed_1d", "decayed_7d", "decayed_30d"):
            known = expected.decayed(name, found.as_of_millis)[item_no]
            assert getattr(found, name)[place] == pytest.approx(known, rel=2e-7, abs=1e-9), name
