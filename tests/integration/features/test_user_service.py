import json

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.clock import FixedClock
from services.features.settings import FeaturesSettings
from tests.integration.features.shop import Shop, event, item, refusal, shop
from tests.support.fake_event_service import FakeEventService
from vitrine.common.v1.visitor_pb2 import (
    CONSENT_ESSENTIAL,
    CONSENT_NONE,
    CONSENT_PERSONAL,
    CONSENT_UNSPECIFIED,
    Visitor,
)
from vitrine.events.v1.event_pb2 import EVENT_TYPE_PURCHASE, EVENT_TYPE_VIEW
from vitrine.features.v1 import user_service_pb2 as pb
from vitrine.features.v1.user_pb2 import User

ANNA = Visitor(user_id="anna")
GUEST = Visitor(anonymous_id="guest")


def user(visitor: Visitor = ANNA, *, seconds: int | None = None, **attributes: str | float) -> User:
    made = User(visitor=visitor)
    if seconds is not None:
        made.update_time.seconds = 1_700_000_000 + seconds
    for name, value in attributes.items():
        if isinstance(value, str):
            made.attributes[name].text = value
        else:
            made.attributes[name].number = value
    return made


async def upsert(features: Shop, *users: User, mask: tuple[str, ...] = ()) -> list[pb.UserResult]:
    updates = [pb.UserUpdate(user=each) for each in users]
    for update in updates:
        update.update_mask.paths.extend(mask)
    return list((await features.users.UpsertUsers(pb.UpsertUsersRequest(updates=updates))).results)


async def lookup(features: Shop, *visitors: Visitor) -> pb.LookupUsersResponse:
    return await features.users.LookupUsers(pb.LookupUsersRequest(visitors=visitors))


async def merge(features: Shop, anonymous_id: str = "guest", user_id: str = "anna") -> bool:
    request = pb.MergeUsersRequest(anonymous_id=anonymous_id, user_id=user_id)
    return (await features.users.MergeUsers(request)).already_merged


async def test_updates_of_users_are_stored_and_missing_ones_said(features: Shop) -> None:
    results = await upsert(features, user(age_band="25-34", income=3.5), user(GUEST, region="north"))
    assert [result.status for result in results] == [pb.USER_STATUS_CREATED] * 2
    nobody = Visitor(user_id="guest")  # a user of the anonymous visitor's id is someone else
    found = await lookup(features, GUEST, nobody, ANNA)
    assert [each.visitor for each in found.users] == [GUEST, ANNA]
    assert list(found.missing_visitors) == [nobody]
    assert found.users[1].attributes["income"].number == 3.5


async def test_only_newer_updates_win_and_masks_touch_nothing_else(features: Shop) -> None:
    await upsert(features, user(region="north", age_band="25-34", seconds=10))
    await upsert(features, user(region="south", seconds=12), mask=("attributes.region",))
    statuses = [
        (await upsert(features, each))[0].status
        for each in (user(region="west", seconds=9), user(region="east", age_band="35-44", seconds=11), user())
    ]
    assert statuses == [pb.USER_STATUS_OUTDATED, pb.USER_STATUS_UPDATED, pb.USER_STATUS_UPDATED]
    await upsert(features, user(region="east", seconds=11))
    assert not (await lookup(features, ANNA)).users[0].attributes


async def test_the_first_value_declares_the_type(features: Shop) -> None:
    await upsert(features, user(income=3.5))
    results = await upsert(features, user(GUEST, income="much"), user(GUEST, region="north"), user(GUEST, region=4.0))
    assert [(result.reason, result.field) for result in results] == [
        ("ATTRIBUTE_TYPE_CHANGED", "updates[0].user.attributes.income"),
        ("", ""),
        ("ATTRIBUTE_TYPE_CHANGED", "updates[2].user.attributes.region"),
    ]
    assert "number" in results[0].description


async def test_bad_updates_never_lose_their_neighbors(features: Shop) -> None:
    late = User(visitor=ANNA, update_time=Timestamp(seconds=253_402_300_799))
    results = await upsert(features, User(), user(Visitor(user_id="x" * 257)), user(income=float("nan")), late, user())
    assert [(result.reason, result.field) for result in results] == [
        ("VISITOR_REQUIRED", "updates[0].user.visitor"),
        ("ID_TOO_LONG", "updates[1].user.visitor.user_id"),
        ("ATTRIBUTE_NOT_FINITE", "updates[2].user.attributes.income"),
        ("UPDATE_TIME_IN_FUTURE", "updates[3].user.update_time"),
        ("", ""),
    ]
    assert (await refusal(lookup(features, Visitor())))[2] == ["visitors[0]"]
    assert (await refusal(features.users.UpsertUsers(pb.UpsertUsersRequest())))[1] == "EMPTY_BATCH"


async def test_merging_joins_histories_once(features: Shop, log: FakeEventService) -> None:
    await features.upsert(item("tea"), item("bread"))
    await upsert(features, user(region="north"), user(GUEST, region="south", age_band="25-34"))
    log.append(event("1", ANNA, EVENT_TYPE_PURCHASE, "tea"))
    log.append(event("2", GUEST, EVENT_TYPE_VIEW, "bread", 1), partition=1)
    log.append(event("3", GUEST, EVENT_TYPE_VIEW, "tea", 2), partition=1)
    await features.applied(3)
    assert not await merge(features)
    assert await merge(features)
    log.append(event("4", GUEST, EVENT_TYPE_VIEW, "bread", 3), partition=1)
    await features.applied(4)
    known = await features.user(ANNA)
    assert known.event_count == 4
    assert list(known.counters.view_counts) == [1, 2]
    assert list(known.counters.purchase_counts) == [1, 0]
    assert {name: value.text for name, value in known.attributes.items()} == {"region": "north", "age_band": "25-34"}
    assert (await features.user(GUEST)) == known
    assert [each.visitor for each in (await lookup(features, GUEST)).users] == [ANNA]


async def test_merges_that_cannot_be(features: Shop) -> None:
    request = pb.MergeUsersRequest(anonymous_id="anna", user_id="anna")
    assert (await refusal(features.users.MergeUsers(request)))[:2] == ("INVALID_ARGUMENT", "MERGE_INTO_ITSELF")
    await merge(features)
    assert (await refusal(merge(features, "guest", "bert")))[:2] == ("FAILED_PRECONDITION", "ALREADY_MERGED")
    assert (await refusal(merge(features, "", "bert")))[2] == ["anonymous_id"]


async def test_a_merge_survives_a_restart(settings: FeaturesSettings, clock: FixedClock, log: FakeEventService) -> None:
    log.append(event("1", GUEST, EVENT_TYPE_VIEW, "tea"))
    async with shop(settings, clock) as before:
        await before.applied(1)
        await merge(before)
    log.append(event("2", GUEST, EVENT_TYPE_VIEW, "tea"))
    async with shop(settings, clock) as after:
        await after.applied(2)
        assert await merge(after)
        assert (await after.user(ANNA)).event_count == 2


@pytest.mark.parametrize("consent", [CONSENT_NONE, CONSENT_ESSENTIAL])
async def test_without_consent_nothing_personal_is_kept(features: Shop, log: FakeEventService, consent: int) -> None:
    log.append(event("1", ANNA, EVENT_TYPE_VIEW, "tea"))
    await features.applied(1)
    refusing = user(region="north")
    refusing.consent = consent  # type: ignore[assignment]
    await upsert(features, refusing)
    log.append(event("2", ANNA, EVENT_TYPE_VIEW, "tea"))
    await features.applied(2)
    known = await features.user(ANNA, consent=CONSENT_PERSONAL)
    assert (known.known, known.consent, known.event_count, len(known.attributes)) == (False, consent, 0, 0)
    allowing = user(region="north")
    allowing.consent = CONSENT_PERSONAL
    await upsert(features, allowing)
    # What was done before is gone, not hidden.
    assert (await features.user(ANNA)).event_count == 0
    log.append(event("3", ANNA, EVENT_TYPE_VIEW, "tea"))
    await features.applied(3)
    assert (await features.user(ANNA)).event_count == 1


async def test_the_visit_can_be_stricter_than_what_is_stored(features: Shop, log: FakeEventService) -> None:
    log.append(event("1", ANNA, EVENT_TYPE_VIEW, "tea"))
    await features.applied(1)
    assert (await features.user(ANNA, consent=CONSENT_UNSPECIFIED)).consent == CONSENT_PERSONAL
    visit = await features.user(ANNA, consent=CONSENT_NONE)
    assert (visit.known, visit.consent, len(visit.counters.item_nos)) == (False, CONSENT_NONE, 0)
    assert (await features.user(ANNA)).event_count == 1


async def test_an_update_without_consent_leaves_the_stored_one(features: Shop) -> None:
    refusing = user()
    refusing.consent = CONSENT_NONE
    await upsert(features, refusing)
    await upsert(features, user(region="north"))
    assert (await lookup(features, ANNA)).users[0].consent == CONSENT_NONE


async def test_export_streams_json_lines(features: Shop, log: FakeEventService) -> None:
    await upsert(features, user(region="north"))
    log.append(event("1", GUEST, EVENT_TYPE_VIEW, "tea/ü"))
    await features.applied(1)
    await merge(features)
    export = features.users.ExportUser(pb.ExportUserRequest(visitor=ANNA))
    lines = b"".join([part.json_lines async for part in export]).decode().splitlines()
    record, state = (json.loads(line) for line in lines)
    assert (record["kind"], record["merged_anonymous_ids"]) == ("user", ["guest"])
    assert record["user"]["attributes"] == {"region": {"text": "north"}}
    assert (state["kind"], state["item_ids"]) == ("user_state", {"1": "tea/ü"})
    nobody = features.users.ExportUser(pb.ExportUserRequest(visitor=Visitor(user_id="nobody")))
    assert [part async for part in nobody] == []


async def test_erasure_leaves_nothing_and_a_receipt(features: Shop, log: FakeEventService) -> None:
    await upsert(features, user(region="north"))
    log.append(event("1", GUEST, EVENT_TYPE_VIEW, "tea"))
    await features.applied(1)
    await merge(features)
    request = pb.DeleteUserRequest(visitor=ANNA, request_id="r/1")
    receipt = await features.users.DeleteUser(request)
    assert receipt.deleted_row_count == 3  # record, state, merge
    assert (await lookup(features, ANNA)).missing_visitors
    assert not (await features.user(ANNA)).known
    assert receipt.deleted_event_count == 1
    again = await features.users.DeleteUser(request)
    assert (again.receipt_id, again.delete_time) == (receipt.receipt_id, receipt.delete_time)
    # The browser's id is unknown again.
    log.append(event("2", GUEST, EVENT_TYPE_VIEW, "tea"))
    await features.applied(2)
    assert (await features.user(GUEST)).event_count == 1
    assert (await features.user(ANNA)).event_count == 0


async def test_one_request_id_erases_each_user_it_is_sent_for(features: Shop) -> None:
    receipts = []
    for visitor in (ANNA, GUEST):
        await upsert(features, user(visitor, region="north"))
        receipts.append(await features.users.DeleteUser(pb.DeleteUserRequest(visitor=visitor, request_id="monday")))
    assert [receipt.deleted_row_count for receipt in receipts] == [1, 1]
    assert receipts[0].receipt_id != receipts[1].receipt_id
    assert len((await lookup(features, ANNA, GUEST)).missing_visitors) == 2


async def test_a_retry_of_an_erasure_by_a_merged_id_finds_its_receipt(features: Shop) -> None:
    await upsert(features, user(region="north"))
    await merge(features)
    request = pb.DeleteUserRequest(visitor=GUEST, request_id="monday")
    receipt = await features.users.DeleteUser(request)
    assert receipt.deleted_row_count == 2
    assert (await features.users.DeleteUser(request)).receipt_id == receipt.receipt_id
