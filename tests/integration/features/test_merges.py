"""Merges that are taken back, and merges whose histories have become one for good."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from services.common.clock import FixedClock
from services.common.database import Database, create_engine
from services.common.visitors import partition_of
from services.features.definitions.user_state import UserState
from services.features.materializer.ledger import key_of
from services.features.settings import FeaturesSettings
from services.features.store.tables import USER_STATES
from tests.integration.features.shop import PATIENCE_SECONDS, Shop, event, refusal, shop
from tests.support.fake_event_service import FakeEventService
from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.common.v1.visitor_pb2 import CONSENT_NONE, Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_FAVORITE, EVENT_TYPE_PURCHASE, EVENT_TYPE_VIEW
from vitrine.features.v1 import user_service_pb2 as pb
from vitrine.features.v1.user_features_pb2 import UserFeatures
from vitrine.features.v1.user_pb2 import User

ANNA = Visitor(user_id="anna")
GUEST = Visitor(anonymous_id="guest")
TABLET = Visitor(anonymous_id="tablet/📱")


async def merge(features: Shop, visitor: Visitor = GUEST, user_id: str = "anna") -> bool:
    request = pb.MergeUsersRequest(anonymous_id=visitor.anonymous_id, user_id=user_id)
    return (await features.users.MergeUsers(request)).already_merged


async def unmerge(features: Shop, visitor: Visitor = GUEST, user_id: str = "anna") -> None:
    await features.users.UnmergeUsers(pb.UnmergeUsersRequest(anonymous_id=visitor.anonymous_id, user_id=user_id))


async def say(features: Shop, user: User) -> None:
    answer = await features.users.UpsertUsers(pb.UpsertUsersRequest(updates=[pb.UserUpdate(user=user)]))
    assert answer.results[0].status == pb.USER_STATUS_CREATED


def told(features: UserFeatures) -> UserFeatures:
    """The features without what goes on meanwhile: how far into the log they are, and how long ago that was."""
    features.ClearField("applied_offsets")
    features.ClearField("states")
    return features


async def test_an_unmerged_visitor_and_user_are_who_they_were(features: Shop, log: FakeEventService) -> None:
    await say(features, User(visitor=ANNA, attributes={"region": AttributeValue(text="north")}))
    await say(features, User(visitor=GUEST, attributes={"age_band": AttributeValue(text="25-34")}))
    log.append(event("1", ANNA, EVENT_TYPE_PURCHASE, "tea"))
    log.append(event("2", GUEST, EVENT_TYPE_VIEW, "bread", 1), partition=1)
    await features.applied(2)
    anna, guest = told(await features.user(ANNA)), told(await features.user(GUEST))
    await merge(features)
    joined = await features.user(GUEST)
    assert (joined.visitor, joined.event_count, set(joined.attributes)) == (ANNA, 2, {"region", "age_band"})
    await unmerge(features)
    assert told(await features.user(ANNA)) == anna
    assert told(await features.user(GUEST)) == guest


async def test_what_was_done_while_merged_goes_back_with_whoever_did_it(features: Shop, log: FakeEventService) -> None:
    await merge(features)
    log.append(event("1", ANNA, EVENT_TYPE_FAVORITE, "tea"))
    log.append(event("2", GUEST, EVENT_TYPE_VIEW, "bread", 1), partition=1)
    log.append(event("3", GUEST, EVENT_TYPE_VIEW, "tea", 2), partition=1)
    await features.applied(3)
    assert (await features.user(ANNA)).event_count == 3
    await unmerge(features)
    assert [(await features.user(visitor)).event_count for visitor in (ANNA, GUEST)] == [1, 2]
    # The visitor is free to become someone else.
    assert not await merge(features, user_id="bert")
    assert (await features.user(Visitor(user_id="bert"))).event_count == 2


async def test_a_merge_that_never_was_cannot_be_taken_back(features: Shop) -> None:
    assert (await refusal(unmerge(features)))[:2] == ("FAILED_PRECONDITION", "NOT_MERGED")
    await merge(features)
    assert (await refusal(unmerge(features, user_id="bert")))[:2] == ("FAILED_PRECONDITION", "NOT_MERGED")
    assert (await refusal(unmerge(features, Visitor(anonymous_id=""))))[2] == ["anonymous_id"]
    await unmerge(features)
    assert (await refusal(unmerge(features)))[:2] == ("FAILED_PRECONDITION", "NOT_MERGED")


async def test_there_are_no_chains_and_no_circles(features: Shop, log: FakeEventService) -> None:
    """Two people whose ids cross: a visitor's id is never a user's."""
    await merge(features, Visitor(anonymous_id="x"), "y")
    await merge(features, Visitor(anonymous_id="y"), "x")
    log.append(event("1", Visitor(user_id="x"), EVENT_TYPE_VIEW, "tea"))
    log.append(event("2", Visitor(anonymous_id="x"), EVENT_TYPE_VIEW, "tea"))
    log.append(event("3", Visitor(anonymous_id="x"), EVENT_TYPE_VIEW, "tea"))
    await features.applied(3)
    assert [(await features.user(Visitor(user_id=name))).event_count for name in "xy"] == [1, 2]


async def test_several_devices_are_one_user(features: Shop, log: FakeEventService) -> None:
    for visitor in (GUEST, TABLET):
        await merge(features, visitor)
    for number, visitor in enumerate((ANNA, GUEST, TABLET)):
        log.append(event(str(number), visitor, EVENT_TYPE_VIEW, "tea", number), partition=number % 2)
    await features.applied(3)
    known = await features.user(TABLET)
    assert (list(known.counters.view_counts), list(known.recent.item_nos)) == ([3], [1, 1, 1])
    await unmerge(features, TABLET)
    assert (await features.user(GUEST)).event_count == 2


async def test_a_visitor_who_refused_stays_refused_in_the_user(features: Shop, log: FakeEventService) -> None:
    log.append(event("1", ANNA, EVENT_TYPE_VIEW, "tea"))
    await features.applied(1)
    await say(features, User(visitor=GUEST, consent=CONSENT_NONE))
    await merge(features)
    log.append(event("2", ANNA, EVENT_TYPE_VIEW, "tea"))
    await features.applied(2)
    known = await features.user(ANNA)
    assert (known.consent, known.event_count, known.known) == (CONSENT_NONE, 0, False)


def stored_events(settings: FeaturesSettings) -> dict[str, int]:
    """How many events each stored history has."""
    database = Database(create_engine(settings.url()))
    with database.connect() as connection:
        rows = connection.execute(select(USER_STATES)).all()
    database.dispose()
    return {row.visitor_key: UserState.from_bytes(row.state).event_count for row in rows}


@pytest.mark.parametrize("hours", [23, 25])
async def test_after_a_day_the_histories_are_one(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService, hours: int
) -> None:
    async with shop(settings, clock) as before:
        await say(before, User(visitor=GUEST, attributes={"age_band": AttributeValue(text="25-34")}))
        log.append(event("1", ANNA, EVENT_TYPE_PURCHASE, "tea"))
        log.append(event("2", GUEST, EVENT_TYPE_VIEW, "bread", 1), partition=1)
        await before.applied(2)
        await merge(before)
        clock.advance(timedelta(hours=hours))
        known = told(await before.user(ANNA))
    async with shop(settings, clock) as after:
        while hours > 24 and "a:guest" in stored_events(settings):  # noqa: ASYNC110  # the sweep runs beside the start
            await asyncio.sleep(0.01)
        assert told(await after.user(GUEST)) == known
        log.append(event("3", GUEST, EVENT_TYPE_VIEW, "bread", 2), partition=1)
        await after.applied(3)
        assert (await after.user(ANNA)).event_count == 3
        if hours > 24:
            assert (await refusal(unmerge(after)))[:2] == ("FAILED_PRECONDITION", "MERGE_TOO_OLD")
        else:
            await unmerge(after)
    # What the visitor's browser does later comes into a history of its own again.
    assert stored_events(settings) == ({"u:anna": 2, "a:guest": 1} if hours > 24 else {"u:anna": 1, "a:guest": 2})


async def test_two_who_sweep_at_once_join_each_history_once(
    settings: FeaturesSettings, clock: FixedClock, log: FakeEventService
) -> None:
    guests = [Visitor(anonymous_id=f"guest {number}") for number in range(20)]
    users = [f"user {number % 4}" for number in range(20)]
    async with shop(settings, clock) as before:
        for guest, user_id in zip(guests, users, strict=True):
            made = event(guest.anonymous_id, guest, EVENT_TYPE_VIEW, "tea")
            log.append(made, partition=partition_of(key_of(guest), len(log.log)))
            await merge(before, guest, user_id)
        await before.saved(len(guests))
    clock.advance(timedelta(hours=25))
    async with shop(settings, clock) as one, shop(settings, clock) as other:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while stored_events(settings) != {f"u:{user_id}": 5 for user_id in users}:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.01)
        for store in (one, other):
            assert [(await store.user(guest)).event_count for guest in guests] == [5] * len(guests)
