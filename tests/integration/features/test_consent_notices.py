"""What the event log is told of consent, and what an erasure takes with it there."""

import asyncio

from services.common.clock import FixedClock
from services.features.settings import FeaturesSettings
from tests.integration.features.shop import PATIENCE_SECONDS, Shop, event, refusal, shop
from tests.support.fake_event_service import FakeEventService, serve_fake
from vitrine.common.v1.visitor_pb2 import (
    CONSENT_ESSENTIAL,
    CONSENT_NONE,
    CONSENT_PERSONAL,
    CONSENT_UNSPECIFIED,
    Consent,
    Visitor,
)
from vitrine.events.v1.event_pb2 import EVENT_TYPE_VIEW
from vitrine.features.v1 import user_service_pb2 as pb
from vitrine.features.v1.user_pb2 import User

ANNA = Visitor(user_id="anna")
GUEST = Visitor(anonymous_id="guest")


async def say(features: Shop, visitor: Visitor, consent: Consent.ValueType) -> None:
    update = pb.UserUpdate(user=User(visitor=visitor, consent=consent))
    await features.users.UpsertUsers(pb.UpsertUsersRequest(updates=[update]))


async def merge(features: Shop) -> None:
    await features.users.MergeUsers(pb.MergeUsersRequest(anonymous_id="guest", user_id="anna"))


async def told(log: FakeEventService, count: int) -> list[tuple[str, int]]:
    """Waits until the log was told so many things; returns them, of each time in the order of the visitors."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(log.consents) < count:  # noqa: ASYNC110  # it is known over there only
            await asyncio.sleep(0.01)
    said = [(each.visitor.user_id or f"~{each.visitor.anonymous_id}", int(each.consent)) for each in log.consents]
    log.consents.clear()
    return sorted(said)


async def test_the_log_is_told_what_turns_and_nothing_else(features: Shop, log: FakeEventService) -> None:
    await say(features, ANNA, CONSENT_PERSONAL)
    await say(features, GUEST, CONSENT_UNSPECIFIED)
    await say(features, ANNA, CONSENT_NONE)
    assert await told(log, 1) == [("anna", CONSENT_NONE)]
    await say(features, ANNA, CONSENT_ESSENTIAL)
    await say(features, ANNA, CONSENT_PERSONAL)
    assert await told(log, 1) == [("anna", CONSENT_PERSONAL)]


async def test_a_refusal_holds_for_all_who_are_the_user(features: Shop, log: FakeEventService) -> None:
    await say(features, ANNA, CONSENT_NONE)
    assert await told(log, 1) == [("anna", CONSENT_NONE)]
    await merge(features)
    assert await told(log, 2) == [("anna", CONSENT_NONE), ("~guest", CONSENT_NONE)]
    await features.users.UnmergeUsers(pb.UnmergeUsersRequest(anonymous_id="guest", user_id="anna"))
    assert await told(log, 2) == [("anna", CONSENT_NONE), ("~guest", CONSENT_PERSONAL)]


async def test_the_log_is_told_once_it_is_there(settings: FeaturesSettings, clock: FixedClock) -> None:
    log = FakeEventService()  # type: ignore[abstract]  # what the store calls
    server, port = await serve_fake(log)
    await server.stop(None)
    moved = FeaturesSettings(**{**dict(settings), "events_address": f"127.0.0.1:{port}", "poll_seconds": 0.05})
    async with shop(moved, clock) as features:
        await say(features, ANNA, CONSENT_NONE)
        # An erasure that cannot be whole is not begun.
        request = pb.DeleteUserRequest(visitor=ANNA)
        assert (await refusal(features.users.DeleteUser(request)))[:2] == ("UNAVAILABLE", "EVENT_LOG_UNAVAILABLE")
        assert (await features.users.LookupUsers(pb.LookupUsersRequest(visitors=[ANNA]))).users
    async with shop(moved, clock):
        server, _ = await serve_fake(log, port)
        assert await told(log, 1) == [("anna", CONSENT_NONE)]
    await server.stop(None)


async def test_an_erasure_reaches_the_log_for_all_who_are_the_user(features: Shop, log: FakeEventService) -> None:
    log.append(event("1", ANNA, EVENT_TYPE_VIEW, "tea"))
    log.append(event("2", GUEST, EVENT_TYPE_VIEW, "tea"), partition=1)
    log.append(event("3", Visitor(user_id="bert"), EVENT_TYPE_VIEW, "tea"), partition=1)
    await features.applied(3)
    await merge(features)
    receipt = await features.users.DeleteUser(pb.DeleteUserRequest(visitor=GUEST))
    assert (receipt.deleted_event_count, receipt.deleted_row_count) == (2, 3)  # two states and the merge
    assert [each.erased for rows in log.log for each in rows] == [True, True, False]
    assert [(await features.user(visitor)).event_count for visitor in (ANNA, GUEST)] == [0, 0]


async def test_a_user_who_refused_and_was_erased_is_unknown(features: Shop, log: FakeEventService) -> None:
    await say(features, ANNA, CONSENT_NONE)
    assert await told(log, 1) == [("anna", CONSENT_NONE)]
    await features.users.DeleteUser(pb.DeleteUserRequest(visitor=ANNA))
    assert await told(log, 1) == [("anna", CONSENT_UNSPECIFIED)]
    log.append(event("1", ANNA, EVENT_TYPE_VIEW, "tea"))
    await features.applied(1)
    assert (await features.user(ANNA)).event_count == 1
