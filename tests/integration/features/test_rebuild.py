"""Features made anew from the log, beside those that are served."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from services.common.clock import FixedClock
from services.common.database import Database, create_engine
from services.features.definitions.user_state import UserState
from services.features.settings import FeaturesSettings
from services.features.store.tables import ITEM_STATISTICS, USER_STATES
from tests.integration.features.shop import PATIENCE_SECONDS, Shop, event, item, refusal, shop
from tests.integration.features.workers import PARTITIONS, USERS, append, of_events, shared, some_events
from tests.support.fake_event_service import FakeEventService, serve_fake
from tests.support.migrated_stores import lay_features_store
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_VIEW
from vitrine.features.v1 import feature_service_pb2 as pb
from vitrine.features.v1 import user_service_pb2 as user_pb
from vitrine.features.v1.user_features_pb2 import UserFeatures

QUERY = {"seconds": 1_777_896_000 + 86_400}
NOTHING = UserState().to_bytes()


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
        database_url=lay_features_store(database_url),
    )
    await server.stop(None)


async def rebuild(features: Shop, *, from_kept: bool = False) -> list[tuple[int, int]]:
    """How far it was, each time it said so."""
    call = features.features.RebuildFeatures(pb.RebuildFeaturesRequest(from_kept=from_kept))
    return [(answer.read_event_count, answer.all_event_count) async for answer in call]


async def known(features: Shop) -> list[UserFeatures]:
    return [of_events(await features.user(visitor, query_time=QUERY)) for visitor in USERS]


async def statistics(features: Shop) -> dict[int, tuple[float, ...]]:
    answer = await features.features.ListItemStatistics(pb.ListItemStatisticsRequest())
    counts = zip(
        answer.view_counts,
        answer.purchase_counts,
        answer.buyer_counts,
        answer.user_counts,
        answer.decayed_7d,
        strict=True,
    )
    return dict(zip(answer.item_nos, counts, strict=True))


def close(rows: dict[int, tuple[float, ...]]) -> dict[int, object]:
    return {item_no: pytest.approx(row, rel=1e-6) for item_no, row in rows.items()}


def spoil(settings: FeaturesSettings) -> None:
    """What a bug in a definition does: states and statistics that no log would make."""
    database = Database(create_engine(settings.url()))
    with database.begin() as connection:
        connection.execute(update(USER_STATES).values(state=NOTHING))
        connection.execute(update(ITEM_STATISTICS).values(views=ITEM_STATISTICS.c.views + 7))
        connection.execute(delete(USER_STATES).where(USER_STATES.c.visitor_key == "u:u3"))
    database.dispose()


async def filled(features: Shop, log: FakeEventService, count: int = 600) -> None:
    await features.upsert(*(item(f"i{number}") for number in range(25)))
    for each in some_events(count, seed=5):
        append(log, each)
    await features.saved(count)


async def test_a_rebuild_makes_what_the_log_says(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    async with shop(settings, clock) as before:
        await filled(before, log)
        right = await known(before), await statistics(before)
    spoil(settings)
    async with shop(settings, clock) as features, shop(settings, clock) as other:
        await shared([features, other])
        assert await known(features) != right[0]
        told = await rebuild(features)
        assert told[-1] == (600, 600)
        for worker in (features, other):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await known(worker) != right[0] or await statistics(worker) != close(right[1]):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        append(log, event("later", USERS[0], EVENT_TYPE_VIEW, "i1"))
        await features.saved(601)
        assert (await other.user(USERS[0])).event_count == right[0][0].event_count + 1


async def test_nothing_is_lost_or_doubled_of_what_comes_meanwhile(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    async with shop(settings, clock) as features:
        await filled(features, log, 300)
        sold = 300
        building = asyncio.create_task(rebuild(features))
        while not building.done():
            append(log, event(f"meanwhile {sold}", USERS[sold % 40], EVENT_TYPE_VIEW, f"i{sold % 25}"))
            sold += 1
            assert (await features.user(USERS[0])).event_count, "what was there is served"
            await asyncio.sleep(0.001)
        await building
        await features.saved(sold)
        counts = [(await features.user(visitor)).event_count for visitor in USERS]
        assert sum(counts) == sold


async def test_who_is_erased_meanwhile_stays_erased(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    async with shop(settings, clock) as features:
        await filled(features, log)
        answers = aiter(features.features.RebuildFeatures(pb.RebuildFeaturesRequest()))
        await anext(answers)
        await features.users.DeleteUser(user_pb.DeleteUserRequest(visitor=USERS[0]))
        async for _ in answers:
            pass
        await features.saved(600)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await features.status()).held_partitions != list(range(PARTITIONS)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert [(await features.user(visitor)).event_count > 0 for visitor in USERS[:3]] == [False, True, True]


async def test_a_log_without_its_beginning_is_not_enough(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    async with shop(settings, clock) as features:
        await filled(features, log)
        log.starts[0] = 3
        assert (await refusal(rebuild(features)))[:2] == ("FAILED_PRECONDITION", "LOG_DROPPED")
        assert sum([row.event_count for row in await known(features)]) == 600
        await rebuild(features, from_kept=True)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sum([row.event_count for row in await known(features)]) != 597:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_an_empty_log_makes_nothing(settings: FeaturesSettings, clock: FixedClock) -> None:
    async with shop(settings, clock) as features:
        await features.until(lambda status: status.caught_up)
        assert set(await rebuild(features)) <= {(0, 0)}
        assert not (await features.user(Visitor(user_id="anna"))).known
