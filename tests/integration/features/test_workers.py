"""Several feature stores on one database: each applies its share of the log, and any may die at any time."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import quantiles

import pytest
from structlog.testing import capture_logs

from services.common.clock import FixedClock
from services.features.settings import FeaturesSettings
from tests.integration.features.process import features_process
from tests.integration.features.shop import event, shop
from tests.integration.features.workers import (
    PARTITIONS,
    USERS,
    append,
    check,
    place_of,
    sell_items,
    settled,
    shared,
    shares,
    some_events,
)
from tests.support.fake_event_service import FakeEventService, serve_fake
from tests.support.migrated_stores import lay_features_store
from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.common.v1.visitor_pb2 import CONSENT_NONE, Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_VIEW
from vitrine.features.v1 import user_service_pb2 as user_pb
from vitrine.features.v1.user_pb2 import User

CLICKS = 200


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


async def test_workers_share_the_log_and_agree(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(shop(settings, clock))]
        await sell_items(workers[0])
        workers += [await stack.enter_async_context(shop(settings, clock)) for _ in range(2)]
        await shared(workers)
        events = some_events(600, seed=1)
        for each in events:
            append(log, each)
        await settled(workers, len(events))
        await check(workers, settings, [logged for rows in log.log for logged in rows])


async def test_a_worker_that_ends_hands_its_share_over(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    with capture_logs() as logged:
        async with shop(settings, clock) as staying:
            async with shop(settings, clock) as leaving:
                await shared([staying, leaving])
                for each in some_events(100, seed=1):
                    append(log, each)
                await settled([staying], 100)
            await shared([staying])
            append(log, event("last", USERS[0], EVENT_TYPE_VIEW, "tea"))
            await staying.saved(101)
    assert not [line for line in logged if line["log_level"] in {"warning", "error"}], "a hand-over is nothing to fear"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
async def test_a_worker_whose_process_is_gone_is_followed(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService, number: signal.Signals
) -> None:
    """One that is ended gives its share back; one that is killed is missed when its lease is over."""
    async with shop(settings, clock) as staying:
        await sell_items(staying)
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


@pytest.mark.slow
async def test_a_click_that_another_worker_applied_is_soon_known(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asks whoever does not apply the visitor's events."""
    seconds = []
    async with shop(settings, clock) as one, shop(settings, clock) as other:
        await shared([one, other])
        held, _ = await shares([one, other])
        for number in range(CLICKS):
            visitor = USERS[number % len(USERS)]
            asked = other if place_of(visitor) in held else one
            append(log, event(f"click {number}", visitor, EVENT_TYPE_VIEW, "tea", number))
            began = time.perf_counter()
            async with asyncio.timeout(5):
                while (await asked.user(visitor)).event_count <= number // len(USERS):  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            seconds.append(time.perf_counter() - began)
    p50, p99 = (1_000 * quantiles(seconds, n=100)[percent - 1] for percent in (50, 99))
    engine = settings.url().get_backend_name()
    with capsys.disabled():
        print(f"\n{engine}: {CLICKS} clicks known to who does not apply them: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


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


async def test_updates_reach_every_worker(settings: FeaturesSettings, clock: FixedClock, log: FakeEventService) -> None:
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


async def test_an_erasure_of_updates_and_merges_reaches_every_worker(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    anna, guest = USERS[0], Visitor(anonymous_id="guest")
    lookup = user_pb.LookupUsersRequest(visitors=[guest])
    async with shop(settings, clock) as one, shop(settings, clock) as other:
        await shared([one, other])
        update = user_pb.UserUpdate(user=User(visitor=anna, attributes={"region": AttributeValue(text="north")}))
        await one.users.UpsertUsers(user_pb.UpsertUsersRequest(updates=[update]))
        # A merge that the other process may not have heard of is found all the same.
        await one.users.MergeUsers(user_pb.MergeUsersRequest(anonymous_id="guest", user_id=anna.user_id))
        receipt = await other.users.DeleteUser(user_pb.DeleteUserRequest(visitor=guest))
        assert receipt.deleted_row_count == 2
        async with asyncio.timeout(5):
            while (await one.users.LookupUsers(lookup)).users:  # noqa: ASYNC110  # it is known over there only
                await asyncio.sleep(0.01)
