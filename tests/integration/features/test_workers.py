"""Several feature stores on one database: each applies its share of the log, and any may die at any time."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from itertools import chain
from pathlib import Path

import pytest

from services.common.clock import FixedClock
from services.common.visitors import partition_of
from services.features.definitions.item_statistics import ItemStatistics
from services.features.definitions.observation import observe
from services.features.definitions.user_state import UserState
from services.features.materializer.ledger import key_of
from services.features.settings import FeaturesSettings
from tests.integration.features.process import features_process
from tests.integration.features.shop import Shop, event, item, shop
from tests.support.fake_event_service import FakeEventService, serve_fake
from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.common.v1.visitor_pb2 import CONSENT_NONE, Visitor
from vitrine.events.v1.event_pb2 import (
    EVENT_TYPE_ADD_TO_CART,
    EVENT_TYPE_FAVORITE,
    EVENT_TYPE_PURCHASE,
    EVENT_TYPE_REFUND,
    EVENT_TYPE_VIEW,
    Event,
    EventType,
)
from vitrine.features.v1 import feature_service_pb2 as pb
from vitrine.features.v1 import user_service_pb2 as user_pb
from vitrine.features.v1.user_features_pb2 import UserFeatures
from vitrine.features.v1.user_pb2 import User

PARTITIONS = 8
USERS = [Visitor(user_id=f"u{number}") for number in range(40)]
TYPES: tuple[EventType.ValueType, ...] = (
    EVENT_TYPE_VIEW,
    EVENT_TYPE_ADD_TO_CART,
    EVENT_TYPE_PURCHASE,
    EVENT_TYPE_FAVORITE,
    EVENT_TYPE_REFUND,
)


@pytest.fixture
async def log() -> FakeEventService:
    return FakeEventService(PARTITIONS)  # type: ignore[abstract]  # what the store calls


@pytest.fixture
async def settings(tmp_path: Path, log: FakeEventService, database_url: str) -> AsyncIterator[FeaturesSettings]:
    server, port = await serve_fake(log)
    yield FeaturesSettings(
        state_directory=tmp_path,
        port=0,
        events_address=f"127.0.0.1:{port}",
        grace_seconds=0,
        lease_seconds=0.6,
        poll_seconds=0.05,
        database_url=database_url,
    )
    await server.stop(None)


def append(log: FakeEventService, made: Event) -> None:
    log.append(made, partition=partition_of(key_of(made.visitor), PARTITIONS))


def some_events(count: int, seed: int) -> list[Event]:
    chance = random.Random(seed)
    events = []
    for number in range(count):
        made = event(
            f"{seed}/{number}", chance.choice(USERS), chance.choice(TYPES), f"i{chance.randrange(25)}", number * 60
        )
        made.unit_price = chance.randrange(1, 500) / 4
        events.append(made)
    return events


async def shares(workers: Sequence[Shop]) -> list[list[int]]:
    return [list((await worker.status()).held_partitions) for worker in workers]


async def shared(workers: Sequence[Shop]) -> None:
    """Waits until each partition is held by one of the workers, and by equal shares."""
    async with asyncio.timeout(15):
        while True:
            held = await shares(workers)
            least = PARTITIONS // len(workers)
            if sorted(chain.from_iterable(held)) == list(range(PARTITIONS)) and min(map(len, held)) >= least:
                return
            await asyncio.sleep(0.02)


async def expected(worker: Shop, events: Sequence[Event]) -> tuple[dict[str, UserState], ItemStatistics]:
    """What one worker that nothing ever happened to would have made of the events."""
    items = {name: no for name in {each.item_id for each in events} if (no := await number_of(worker, name))}
    states: dict[str, UserState] = {}
    statistics = ItemStatistics()
    for each in events:
        observation, key = observe(each, items[each.item_id]), key_of(each.visitor)
        statistics.apply(states.setdefault(key, UserState()).apply(observation))
    return states, statistics


async def number_of(worker: Shop, item_id: str) -> int:
    return (await worker.upsert(item(item_id)))[0].item_no


def columns(features: UserFeatures) -> dict[str, list[float]]:
    counters, prices = features.counters, features.prices
    return {
        "events": [features.event_count],
        "items": list(counters.item_nos),
        "views": list(counters.view_counts),
        "favorites": list(counters.favorite_counts),
        "carts": list(counters.cart_counts),
        "purchases": list(counters.purchase_counts),
        "first": list(counters.first_purchase_millis),
        "last": list(counters.last_purchase_millis),
        "decayed_purchases": list(counters.decayed_purchases),
        "decayed_interest": list(counters.decayed_interest),
        "recent": list(features.recent.item_nos),
        "times": list(features.recent.event_times_millis),
        "prices": [prices.count, prices.mean_log_price, prices.deviation_log_price],
    }


async def check(workers: Sequence[Shop], events: Sequence[Event], query_millis: int) -> None:
    """Every worker says of every user and item what a single one would have."""
    states, statistics = await expected(workers[0], events)
    for worker in workers:
        for visitor in USERS:
            said = await worker.user(visitor, query_time={"seconds": query_millis // 1_000})
            if (state := states.get(key_of(visitor))) is not None:
                wanted = columns(state.features(query_millis))
                assert columns(said) == {name: pytest.approx(values, rel=1e-6) for name, values in wanted.items()}
        answer = await worker.features.ListItemStatistics(pb.ListItemStatisticsRequest())
        for place, item_no in enumerate(answer.item_nos):
            row = statistics.row(item_no)
            assert (answer.view_counts[place], answer.cart_counts[place]) == (row.views, row.carts)
            assert answer.purchase_counts[place] == row.purchases
            assert answer.buyer_counts[place] == row.buyers
            days = statistics.decayed("decayed_7d", answer.as_of_millis)[item_no]
            assert answer.decayed_7d[place] == pytest.approx(days, rel=1e-6)
        assert sum(answer.view_counts) == sum(each.type == EVENT_TYPE_VIEW for each in events)


async def settled(workers: Sequence[Shop], count: int) -> None:
    """Waits until so many events are saved, and every worker knows."""
    for worker in workers:
        await worker.saved(count)
    await asyncio.sleep(0.2)  # statistics of others come with the next look


async def test_workers_share_the_log_and_agree(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(shop(settings, clock))]
        await workers[0].upsert(*(item(f"i{number}") for number in range(25)))
        workers += [await stack.enter_async_context(shop(settings, clock)) for _ in range(2)]
        await shared(workers)
        events = some_events(600, seed=1)
        for each in events:
            append(log, each)
        await settled(workers, len(events))
        await check(workers, events, 1_777_896_000_000 + 86_400_000)


async def test_a_worker_that_ends_hands_its_share_over(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    async with shop(settings, clock) as staying:
        async with shop(settings, clock) as leaving:
            await shared([staying, leaving])
            for each in some_events(100, seed=1):
                append(log, each)
            await settled([staying], 100)
        await shared([staying])
        append(log, event("last", USERS[0], EVENT_TYPE_VIEW, "tea"))
        await staying.saved(101)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
async def test_a_worker_whose_process_is_gone_is_followed(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService, number: signal.Signals
) -> None:
    """One that is ended gives its share back; one that is killed is missed when its lease is over."""
    async with shop(settings, clock) as staying:
        await staying.upsert(*(item(f"i{number}") for number in range(25)))
        async with features_process(settings, batch_size=20) as (process, leaving):
            await shared([staying, leaving])
            for each in some_events(200, seed=3):
                append(log, each)
            process.send_signal(number)
            began = time.perf_counter()
            await shared([staying])
            seconds = time.perf_counter() - began
        await staying.saved(200)
        print(f"{number.name}: the other one's share is taken {seconds:.2f} s later, lease {settings.lease_seconds} s")
        lease = settings.lease_seconds
        # The rest is for the process to end, and for a busy machine.
        assert seconds < (lease / 3 if number is signal.SIGTERM else lease + lease / 3) + 3.0


async def test_a_click_that_another_worker_applied_is_soon_known(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    async with shop(settings, clock) as one, shop(settings, clock) as other:
        await shared([one, other])
        for visitor in USERS[:8]:
            append(log, event(f"click {visitor.user_id}", visitor, EVENT_TYPE_VIEW, "tea"))
            for worker in (one, other):
                async with asyncio.timeout(1):
                    while (await worker.user(visitor)).event_count != 1:  # noqa: ASYNC110
                        await asyncio.sleep(0.005)


async def test_an_erasure_reaches_who_holds_the_history(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    async with shop(settings, clock) as one, shop(settings, clock) as other:
        await shared([one, other])
        for visitor in USERS[:8]:
            append(log, event(f"before {visitor.user_id}", visitor, EVENT_TYPE_VIEW, "tea"))
        await one.saved(8)
        for visitor in USERS[:8]:
            await one.users.DeleteUser(user_pb.DeleteUserRequest(visitor=visitor))
        for worker in (one, other):
            async with asyncio.timeout(5):
                while any([(await worker.user(visitor)).event_count for visitor in USERS[:8]]):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        for visitor in USERS[:8]:
            append(log, event(f"after {visitor.user_id}", visitor, EVENT_TYPE_VIEW, "tea"))
        await one.saved(16)
        assert [(await other.user(visitor)).event_count for visitor in USERS[:8]] == [1] * 8


async def test_words_reach_every_worker(settings: FeaturesSettings, clock: FixedClock, log: FakeEventService) -> None:
    anna = USERS[0]
    async with shop(settings, clock) as one, shop(settings, clock) as other:
        await shared([one, other])
        assert not (await other.users.LookupUsers(user_pb.LookupUsersRequest(visitors=[anna]))).users
        refusing = User(visitor=anna, consent=CONSENT_NONE)
        await one.users.UpsertUsers(user_pb.UpsertUsersRequest(updates=[user_pb.UserUpdate(user=refusing)]))
        async with asyncio.timeout(5):
            while (await other.user(anna)).consent != CONSENT_NONE:  # noqa: ASYNC110  # it is known over there only
                await asyncio.sleep(0.01)
        append(log, event("1", anna, EVENT_TYPE_VIEW, "tea"))
        await one.saved(1)
        assert [(await worker.user(anna)).event_count for worker in (one, other)] == [0, 0]
        # The type that one process declared holds in the other.
        declared = [(one, USERS[1], AttributeValue(text="25-34")), (other, USERS[2], AttributeValue(number=3.0))]
        for worker, visitor, value in declared:
            update = user_pb.UserUpdate(user=User(visitor=visitor, attributes={"age_band": value}))
            answer = await worker.users.UpsertUsers(user_pb.UpsertUsersRequest(updates=[update]))
        assert answer.results[0].reason == "ATTRIBUTE_TYPE_CHANGED"


async def test_an_erasure_of_words_and_merges_reaches_every_worker(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    anna, guest = USERS[0], Visitor(anonymous_id="guest")
    lookup = user_pb.LookupUsersRequest(visitors=[guest])
    async with shop(settings, clock) as one, shop(settings, clock) as other:
        await shared([one, other])
        word = user_pb.UserUpdate(user=User(visitor=anna, attributes={"region": AttributeValue(text="north")}))
        await one.users.UpsertUsers(user_pb.UpsertUsersRequest(updates=[word]))
        # A merge that the other process may not have heard of is found all the same.
        await one.users.MergeUsers(user_pb.MergeUsersRequest(anonymous_id="guest", user_id=anna.user_id))
        receipt = await other.users.DeleteUser(user_pb.DeleteUserRequest(visitor=guest))
        assert receipt.deleted_row_count == 2
        async with asyncio.timeout(5):
            while (await one.users.LookupUsers(lookup)).users:  # noqa: ASYNC110  # it is known over there only
                await asyncio.sleep(0.01)


async def test_workers_that_are_killed_lose_and_double_nothing(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService, request: pytest.FixtureRequest
) -> None:
    """Three processes; one after the other is killed while events come, and started again."""
    kills = 12 if "mysql" in request.node.callspec.id else 4
    chance = random.Random(7)
    events: list[Event] = []
    async with shop(settings, clock) as witness:
        await witness.upsert(*(item(f"i{number}") for number in range(25)))
        stacks = [AsyncExitStack() for _ in range(2)]
        processes = [await stack.enter_async_context(features_process(settings, batch_size=20)) for stack in stacks]
        for kill in range(kills):
            victim = chance.randrange(2)
            mercy = chance.randrange(300)
            batch = some_events(300, seed=kill)
            events += batch
            for place, each in enumerate(batch):
                append(log, each)
                if chance.random() < 0.1:
                    await asyncio.sleep(0.002)
                if place == mercy:
                    processes[victim][0].kill()
            await stacks[victim].aclose()
            stacks[victim] = AsyncExitStack()
            processes[victim] = await stacks[victim].enter_async_context(features_process(settings, batch_size=20))
        workers = [witness, *(worker for _, worker in processes)]
        async with asyncio.timeout(60):
            await settled(workers, len(events))
        await check(workers, events, 1_777_896_000_000 + 86_400_000)
        print(f"{kills} kills of workers, {len(events)} events: counts equal, none lost, none twice")
        for stack in stacks:
            await stack.aclose()
