"""Several feature stores on one database, and what one to which nothing ever happened would have made of the log."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from itertools import chain

import pytest
from sqlalchemy import select

from services.common.database import Database, create_engine
from services.common.visitors import partition_of
from services.features.definitions.item_statistics import ItemStatistics, ItemStatisticsRow
from services.features.definitions.observation import observe
from services.features.definitions.user_state import UserState
from services.features.materializer.ledger import key_of
from services.features.settings import FeaturesSettings
from services.features.statistics.stored_statistics import read_rows
from services.features.store.tables import USER_STATES
from tests.integration.features.shop import Shop, event, item
from tests.support.fake_event_service import FakeEventService
from tests.support.same_features import assert_same_features
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import (
    EVENT_TYPE_ADD_TO_CART,
    EVENT_TYPE_FAVORITE,
    EVENT_TYPE_PURCHASE,
    EVENT_TYPE_REFUND,
    EVENT_TYPE_VIEW,
    Event,
    EventType,
)
from vitrine.events.v1.event_service_pb2 import LoggedEvent
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsRequest
from vitrine.features.v1.user_features_pb2 import UserFeatures

PARTITIONS = 8
PATIENCE_SECONDS = 60.0
"""For machines that do something else besides."""

USERS = [Visitor(user_id=f"u{number}") for number in range(40)]
ITEM_IDS = [f"i{number}" for number in range(25)]
TYPES: tuple[EventType.ValueType, ...] = (
    EVENT_TYPE_VIEW,
    EVENT_TYPE_ADD_TO_CART,
    EVENT_TYPE_PURCHASE,
    EVENT_TYPE_FAVORITE,
    EVENT_TYPE_REFUND,
)
YEARS_AGO = -100_000_000
"""Seconds: so that no clock takes the events for future ones."""

QUERY_MILLIS = 1_777_982_400_000
OF_THE_ANSWER = ("visitor", "consent", "catalog_version", "applied_offsets", "states", "category_affinities")
COUNTS = ("views", "favorites", "carts", "purchases", "impressions", "price_count", "buyers", "users", "anchor_millis")
SUMS = ("price_sum", "decayed_1d", "decayed_7d", "decayed_30d")


def some_events(count: int, seed: int) -> list[Event]:
    """Returns what users did to items, minute by minute; another seed is another time."""
    chance = random.Random(seed)
    events = []
    for number in range(count):
        seconds = YEARS_AGO + (seed * count + number) * 60
        made = event(f"{seed}/{number}", chance.choice(USERS), chance.choice(TYPES), chance.choice(ITEM_IDS), seconds)
        made.unit_price = chance.randrange(1, 500) / 4
        events.append(made)
    return events


def place_of(visitor: Visitor) -> int:
    """Returns the partition of a visitor's events."""
    return partition_of(key_of(visitor), PARTITIONS)


def append(log: FakeEventService, made: Event) -> None:
    """Logs an event where its visitor's belong."""
    log.append(made, partition=place_of(made.visitor))


async def sell_items(worker: Shop) -> None:
    """Brings the items into the catalog."""
    await worker.upsert(*(item(item_id) for item_id in ITEM_IDS))


async def shares(workers: Sequence[Shop]) -> list[list[int]]:
    """Returns the partitions that each holds."""
    return [list((await worker.status()).held_partitions) for worker in workers]


async def shared(workers: Sequence[Shop]) -> None:
    """Waits until each partition is held by one of the workers, and by equal shares."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            held = await shares(workers)
            least = PARTITIONS // len(workers)
            if sorted(chain.from_iterable(held)) == list(range(PARTITIONS)) and min(map(len, held)) >= least:
                return
            await asyncio.sleep(0.02)


async def settled(workers: Sequence[Shop], count: int) -> None:
    """Waits until so many events are saved, and every worker has all statistics of them."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        for worker in workers:
            while sum(place.offset for place in (await worker.status()).saved_offsets) != count:  # noqa: ASYNC110  # there
                await asyncio.sleep(0.02)
        versions = {0, 1}
        while len(versions) > 1:
            await asyncio.sleep(0.02)
            versions = {await _version(worker) for worker in workers}


async def _version(worker: Shop) -> int:
    return (await worker.features.ListItemStatistics(ListItemStatisticsRequest())).version


def of_events(features: UserFeatures) -> UserFeatures:
    """Returns the features without what is not made of events alone."""
    for name in OF_THE_ANSWER:
        features.ClearField(name)  # type: ignore[arg-type]  # the stubs' own type for names
    return features


async def check(workers: Sequence[Shop], settings: FeaturesSettings, logged: Sequence[LoggedEvent]) -> None:
    """Fails unless the stored states are those of the log to the last byte, the statistics' counts are equal and their
    sums to 1e-9, and every worker says so.
    """
    item_nos = {each.item.item_id: each.item_no for each in await workers[0].lookup(*ITEM_IDS)}
    states, statistics = _expected(logged, item_nos)
    stored_states, stored_statistics = await asyncio.to_thread(_stored, settings)
    assert stored_states == {key: state.to_bytes() for key, state in states.items()}
    assert sorted(stored_statistics) == sorted(statistics.unsaved())
    for item_no, row in stored_statistics.items():
        expected = statistics.row(item_no)
        assert [getattr(row, name) for name in COUNTS] == [getattr(expected, name) for name in COUNTS]
        for name in SUMS:
            assert getattr(row, name) == pytest.approx(getattr(expected, name), rel=1e-9, abs=1e-9), name
    for worker in workers:
        for visitor in USERS:
            if (state := states.get(key_of(visitor))) is not None:
                said = await worker.user(visitor, query_time={"seconds": QUERY_MILLIS // 1_000})
                assert_same_features(of_events(said), of_events(state.features(QUERY_MILLIS)))
        await _check_statistics(worker, statistics)


def _expected(
    logged: Sequence[LoggedEvent], item_nos: Mapping[str, int]
) -> tuple[dict[str, UserState], ItemStatistics]:
    states: dict[str, UserState] = {}
    statistics = ItemStatistics()
    for each in logged:
        if not each.flags:
            state = states.setdefault(key_of(each.event.visitor), UserState())
            statistics.apply(state.apply(observe(each.event, item_nos[each.event.item_id])))
    return states, statistics


def _stored(settings: FeaturesSettings) -> tuple[dict[str, bytes], dict[int, ItemStatisticsRow]]:
    database = Database(create_engine(settings.url()))
    with database.connect() as connection:
        states = {row.visitor_key: row.state for row in connection.execute(select(USER_STATES))}
        statistics = {row.item_no: row for row in read_rows(connection)}
    database.dispose()
    return states, statistics


async def _check_statistics(worker: Shop, expected: ItemStatistics) -> None:
    said = await worker.features.ListItemStatistics(ListItemStatisticsRequest())
    assert sorted(said.item_nos) == sorted(expected.unsaved())
    days = expected.decayed("decayed_7d", said.as_of_millis)
    for place, item_no in enumerate(said.item_nos):
        row = expected.row(item_no)
        assert (said.view_counts[place], said.purchase_counts[place]) == (row.views, row.purchases)
        assert (said.cart_counts[place], said.buyer_counts[place]) == (row.carts, row.buyers)
        assert said.decayed_7d[place] == pytest.approx(days[item_no], rel=2e-7, abs=1e-9)
