"""What was served can be computed again from nothing but the log."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from services.common.clock import FixedClock
from services.common.feature_digests import FIELDS, feature_digests
from services.common.server import running
from services.events.app import build as build_events
from services.events.settings import EventsSettings
from services.features.settings import FeaturesSettings
from tests.integration.features.shop import PATIENCE_SECONDS, Shop, event, item, refusal, shop
from tests.integration.features.workers import shared
from tests.support.migrated_stores import lay_stores
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1 import event_pb2 as e
from vitrine.events.v1.event_service_pb2 import GetLogStatusRequest, IngestEventsRequest, PartitionOffset
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub
from vitrine.features.v1.feature_service_pb2 import RecomputeUserFeaturesRequest
from vitrine.features.v1.user_features_pb2 import UserFeatures
from vitrine.features.v1.user_service_pb2 import MergeUsersRequest

if TYPE_CHECKING:
    from vitrine.events.v1.event_service_pb2_grpc import EventServiceAsyncStub

ANNA = Visitor(user_id="anna")
BROWSER = Visitor(anonymous_id="browser")
RETAINED = timedelta(days=3)


@dataclass
class Log:
    """A running event log."""

    address: str
    stub: "EventServiceAsyncStub"

    async def send(self, *events: e.Event) -> None:
        await self.stub.IngestEvents(IngestEventsRequest(events=events))


@pytest.fixture
async def real_log(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Log]:
    lay_stores(tmp_path)
    settings = EventsSettings(state_directory=tmp_path, port=0, grace_seconds=0)
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(running(settings, build_events(settings, clock)))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(server.address))
        yield Log(server.address, EventServiceStub(channel))


@pytest.fixture
def store_settings(tmp_path: Path, real_log: Log) -> FeaturesSettings:
    return FeaturesSettings(state_directory=tmp_path, port=0, events_address=real_log.address, grace_seconds=0)


def history(visitor: Visitor, prefix: str, begin: int) -> list[e.Event]:
    """Something of everything, some of it taken back, and not in the order of time."""
    kinds = [
        e.EVENT_TYPE_VIEW,
        e.EVENT_TYPE_ADD_TO_CART,
        e.EVENT_TYPE_PURCHASE,
        e.EVENT_TYPE_FAVORITE,
        e.EVENT_TYPE_IMPRESSION,
        e.EVENT_TYPE_UNFAVORITE,
        e.EVENT_TYPE_REFUND,
    ]
    made = []
    for n in range(35):
        one = event(f"{prefix}{n}", visitor, kinds[n % 7], f"item {n % 4}", begin - 86_400 * ((n * 11) % 35))
        one.unit_price = 1.0 + n
        one.order_id = f"order {n % 4}"
        made.append(one)
    return made


async def recomputed(features: Shop, served: UserFeatures, *, less: int = 0, unmerged: bool = False) -> UserFeatures:
    request = RecomputeUserFeaturesRequest(visitor=served.visitor, unmerged=unmerged)
    request.query_time.FromMilliseconds(served.query_time_millis)
    for place in served.applied_offsets:
        request.applied_offsets.add(partition=place.partition, offset=max(place.offset - less, 0))
    return (await features.features.RecomputeUserFeatures(request)).features


async def test_the_log_gives_what_was_served(
    store_settings: FeaturesSettings, real_log: Log, clock: FixedClock
) -> None:
    await real_log.send(*history(ANNA, "first", 0)[:20])
    async with shop(store_settings, clock) as features:
        await features.applied(20)
    async with shop(store_settings, clock) as features:  # half of it from the store, half of it from the log
        await features.upsert(*(item(f"item {n}", "Food", "Tea", brand="Acme") for n in range(4)))
        await real_log.send(*history(ANNA, "first", 0)[20:])
        await features.applied(35)
        served = await features.user(ANNA)
        assert served.counters.item_nos
        assert served.brand_affinities.nos
        await real_log.send(*history(ANNA, "later", 100))
        await features.applied(70)
        assert feature_digests(await features.user(ANNA)) != feature_digests(served)
        again = await recomputed(features, served)
        assert feature_digests(again) == feature_digests(served)
        assert again.catalog_version == served.catalog_version
        # One event less makes a difference that is seen.
        differing = feature_digests(await recomputed(features, served, less=1))
        assert differing["event_count"] != feature_digests(served)["event_count"]


async def test_whoever_answers_says_how_far_into_the_log_that_is(
    store_settings: FeaturesSettings, real_log: Log, clock: FixedClock
) -> None:
    """Also of visitors whose events another process applies, of which it hears now and then only."""
    visitors = [Visitor(user_id=f"u{number}") for number in range(16)]
    seldom = FeaturesSettings(**{**dict(store_settings), "poll_seconds": 60.0, "lease_seconds": 0.6})
    async with shop(seldom, clock) as one, shop(seldom, clock) as other:
        await shared([one, other])
        for number, visitor in enumerate(visitors):
            await real_log.send(*history(visitor, f"{number}/", 0))
        await one.saved(len(visitors) * 35)
        for visitor in visitors:
            served = await other.user(visitor)
            assert served.event_count == 35
            assert feature_digests(await recomputed(other, served)) == feature_digests(served)


async def test_who_was_merged_later_is_told_apart(
    store_settings: FeaturesSettings, real_log: Log, clock: FixedClock
) -> None:
    async with shop(store_settings, clock) as features:
        await real_log.send(*history(ANNA, "a", 0), *history(BROWSER, "b", 50))
        await features.applied(70)
        alone = await features.user(ANNA)
        await features.users.MergeUsers(MergeUsersRequest(anonymous_id="browser", user_id="anna"))
        joined = await features.user(ANNA)
        assert joined.event_count == 70
        assert feature_digests(await recomputed(features, joined)) == feature_digests(joined)
        assert feature_digests(await recomputed(features, alone)) != feature_digests(alone)
        assert feature_digests(await recomputed(features, alone, unmerged=True)) == feature_digests(alone)


async def test_a_visitor_nobody_knows_and_a_request_without_a_time(
    store_settings: FeaturesSettings, clock: FixedClock
) -> None:
    async with shop(store_settings, clock) as features:
        unknown = await features.user(Visitor(user_id="nobody"))
        assert feature_digests(await recomputed(features, unknown)) == feature_digests(unknown)
        request = RecomputeUserFeaturesRequest(visitor=ANNA, applied_offsets=[PartitionOffset(offset=1)])
        code, _, fields = await refusal(features.features.RecomputeUserFeatures(request))
        assert (code, fields) == ("INVALID_ARGUMENT", ["query_time"])


async def test_a_log_whose_beginning_is_gone_is_no_proof(
    store_settings: FeaturesSettings, real_log: Log, clock: FixedClock, tmp_path: Path
) -> None:
    await real_log.send(*history(ANNA, "a", 0))
    async with shop(store_settings, clock) as features:
        await features.applied(35)
        served = await features.user(ANNA)
        # Retention drops what is old and keeps count of where the log begins.
        settings = EventsSettings(state_directory=tmp_path, port=0, grace_seconds=0, retention_days=1)
        clock.advance(RETAINED)
        async with running(settings, build_events(settings, clock)):
            await dropped(real_log)
        code, reason, _ = await refusal(recomputed(features, served))
        assert (code, reason) == ("FAILED_PRECONDITION", "LOG_DROPPED")


async def dropped(log: Log) -> None:
    """Waits until the log begins later than at 0."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any(start.offset for start in (await log.stub.GetLogStatus(GetLogStatusRequest())).start_offsets):  # noqa: ASYNC110  # only known over there
            await asyncio.sleep(0.05)


def test_digests_are_of_each_field_alone() -> None:
    one, other = UserFeatures(event_count=1), UserFeatures(event_count=1, search_texts=["tea"])
    left, right = feature_digests(one), feature_digests(other)
    assert set(left) == set(FIELDS)
    assert {name for name in FIELDS if left[name] != right[name]} == {"search_texts"}
