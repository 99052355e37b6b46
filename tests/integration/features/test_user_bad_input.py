"""What nobody should send of users, and what looks as if nobody should: each is answered clearly, on every engine."""

from google.protobuf.timestamp_pb2 import Timestamp

from tests.integration.features.shop import Shop, event, refusal
from tests.support.fake_event_service import FakeEventService
from vitrine.common.v1.attribute_pb2 import AttributeValue, TextList
from vitrine.common.v1.visitor_pb2 import CONSENT_NONE, Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_VIEW
from vitrine.features.v1 import user_service_pb2 as pb
from vitrine.features.v1.user_pb2 import User

# Each of a group is somebody else, whatever a collation, a normalization or a careless query makes of them.
LOOKALIKES = [
    "anna",
    "Anna",
    "ANNA",
    "anna ",
    " anna",
    "ann\u0430",  # a Cyrillic a
    "ann\u200ba",  # a space of no width
    "\ufeffanna",
    "caf\u00e9",
    "cafe\u0301",
    "straße",
    "strasse",
    "I",
    "\u0131",
    "' OR '1'='1",
    "'; DROP TABLE users; --",
    '"',
    "\\",
    "%",
    "_",
    "a/b;c,d|e",
    "u:anna",
    "☕🧀",
    "0",
    "00",
    "1e3",
    "1000",
    "NULL",
    "x" * 256,
    "é" * 128,
]


def user_update(visitor: Visitor, region: str) -> pb.UserUpdate:
    return pb.UserUpdate(user=User(visitor=visitor, attributes={"region": AttributeValue(text=region)}))


async def send(features: Shop, *updates: pb.UserUpdate) -> list[pb.UserResult]:
    return list((await features.users.UpsertUsers(pb.UpsertUsersRequest(updates=updates))).results)


async def regions(features: Shop, visitors: list[Visitor]) -> list[str]:
    """What is known of each visitor; empty of those of whom nothing is."""
    found = (await features.users.LookupUsers(pb.LookupUsersRequest(visitors=visitors))).users
    known = {each.visitor.SerializeToString(): each.attributes["region"].text for each in found}
    return [known.get(visitor.SerializeToString(), "") for visitor in visitors]


async def test_ids_that_look_alike_are_different_users(features: Shop, log: FakeEventService) -> None:
    visitors = [Visitor(user_id=each) for each in LOOKALIKES] + [Visitor(anonymous_id=each) for each in LOOKALIKES]
    results = await send(features, *(user_update(visitor, f"{place}") for place, visitor in enumerate(visitors)))
    assert {result.status for result in results} == {pb.USER_STATUS_CREATED}
    assert await regions(features, visitors) == [f"{place}" for place in range(len(visitors))]
    for place, visitor in enumerate(visitors):
        for _ in range(place % 3 + 1):
            log.append(event(f"{place}", visitor, EVENT_TYPE_VIEW, "tea"))
    await features.applied(sum(place % 3 + 1 for place in range(len(visitors))))
    assert [(await features.user(visitor)).event_count for visitor in visitors] == [
        place % 3 + 1 for place in range(len(visitors))
    ]


async def test_erasing_one_leaves_those_who_look_alike(features: Shop) -> None:
    visitors = [Visitor(user_id=each) for each in LOOKALIKES]
    await send(features, *(user_update(visitor, "north") for visitor in visitors))
    for place, visitor in enumerate(visitors):
        receipt = await features.users.DeleteUser(pb.DeleteUserRequest(visitor=visitor))
        assert receipt.deleted_row_count == 1
        left = await regions(features, visitors)
        assert left == [""] * (place + 1) + ["north"] * (len(visitors) - place - 1)


async def test_merging_into_one_leaves_those_who_look_alike(features: Shop) -> None:
    await send(features, user_update(Visitor(anonymous_id="guest"), "north"))
    everybody = [Visitor(user_id=each) for each in LOOKALIKES]
    for place, user_id in enumerate(LOOKALIKES):
        merge = pb.MergeUsersRequest(anonymous_id="guest", user_id=user_id)
        await features.users.MergeUsers(merge)
        known = await regions(features, everybody)
        assert [other for other, region in enumerate(known) if region] == [place]
        await features.users.UnmergeUsers(pb.UnmergeUsersRequest(anonymous_id="guest", user_id=user_id))


async def test_who_is_nobody_is_refused_and_the_neighbors_kept(features: Shop) -> None:
    nobodies = [
        (Visitor(), "VISITOR_REQUIRED", ""),
        (Visitor(user_id="x" * 257), "ID_TOO_LONG", ".user_id"),
        (Visitor(user_id="é" * 129), "ID_TOO_LONG", ".user_id"),
        (Visitor(anonymous_id="a\nb"), "ID_CONTROL_CHARACTER", ".anonymous_id"),
        (Visitor(user_id="anna", anonymous_id="\x00"), "ID_CONTROL_CHARACTER", ".anonymous_id"),
    ]
    updates = [user_update(visitor, "north") for visitor, _, _ in nobodies]
    *refused, kept = await send(features, *updates, user_update(Visitor(user_id="bert"), "south"))
    assert [(result.status, result.reason, result.field) for result in refused] == [
        (pb.USER_STATUS_REJECTED, reason, f"updates[{place}].user.visitor{field}")
        for place, (_, reason, field) in enumerate(nobodies)
    ]
    assert kept.status == pb.USER_STATUS_CREATED


async def test_attributes_that_cannot_be_are_refused(features: Shop) -> None:
    faults = [
        ("income", AttributeValue(text="much"), "ATTRIBUTE_TYPE_CHANGED"),
        ("income", AttributeValue(flag=True), "ATTRIBUTE_TYPE_CHANGED"),
        ("income", AttributeValue(texts=TextList(values=["1"])), "ATTRIBUTE_TYPE_CHANGED"),
        ("income", AttributeValue(), "ATTRIBUTE_VALUE_MISSING"),
        ("income", AttributeValue(number=float("nan")), "ATTRIBUTE_NOT_FINITE"),
        ("income", AttributeValue(number=float("-inf")), "ATTRIBUTE_NOT_FINITE"),
        ("region", AttributeValue(text="x" * 1_025), "ATTRIBUTE_TOO_LONG"),
        ("regions", AttributeValue(texts=TextList(values=["x"] * 101)), "ATTRIBUTE_TOO_LONG"),
        ("", AttributeValue(text="north"), "ATTRIBUTE_NAME_INVALID"),
        ("x" * 65, AttributeValue(text="north"), "ATTRIBUTE_NAME_INVALID"),
        ("re\tgion", AttributeValue(text="north"), "ATTRIBUTE_NAME_INVALID"),
    ]
    anna = Visitor(user_id="anna")
    income = {"income": AttributeValue(number=1.0)}
    await send(features, pb.UserUpdate(user=User(visitor=anna, attributes=income)))
    updates = [pb.UserUpdate(user=User(visitor=anna, attributes={name: value})) for name, value, _ in faults]
    assert [result.reason for result in await send(features, *updates)] == [reason for _, _, reason in faults]
    (known,) = (await features.users.LookupUsers(pb.LookupUsersRequest(visitors=[anna]))).users
    assert dict(known.attributes) == income


async def test_attributes_whose_names_look_alike_are_two(features: Shop) -> None:
    names = ["region", "Region", "region ", "r\u00e9gion", "re\u0301gion"]
    attributes = {name: AttributeValue(number=float(place)) for place, name in enumerate(names)}
    anna = Visitor(user_id="anna")
    assert (await send(features, pb.UserUpdate(user=User(visitor=anna, attributes=attributes))))[0].reason == ""
    (result,) = await send(
        features, pb.UserUpdate(user=User(visitor=anna, attributes={"rEgion": AttributeValue(text="n")}))
    )
    assert result.reason == ""


async def test_times_of_long_ago_are_taken_and_of_nowhen_refused(features: Shop) -> None:
    times = [
        (Timestamp(seconds=0), ""),
        (Timestamp(seconds=-1), ""),
        (Timestamp(seconds=-62_135_596_800), ""),
        (Timestamp(seconds=-62_135_596_801), "TIME_OUT_OF_RANGE"),
        (Timestamp(seconds=253_402_300_799), "UPDATE_TIME_IN_FUTURE"),
        (Timestamp(seconds=253_402_300_800), "TIME_OUT_OF_RANGE"),
        (Timestamp(seconds=0, nanos=-1), "TIME_OUT_OF_RANGE"),
        (Timestamp(seconds=0, nanos=1_000_000_000), "TIME_OUT_OF_RANGE"),
    ]
    visitors = [Visitor(user_id=f"user {place}") for place in range(len(times))]
    updates = [user_update(visitor, "north") for visitor in visitors]
    for update, (time, _) in zip(updates, times, strict=True):
        update.user.update_time.CopyFrom(time)
    assert [result.reason for result in await send(features, *updates)] == [reason for _, reason in times]
    # A update of today outdoes them, and is not outdone.
    await send(features, *(user_update(visitor, "south") for visitor in visitors))
    statuses = {result.status for result in await send(features, *updates)}
    assert statuses == {pb.USER_STATUS_OUTDATED, pb.USER_STATUS_REJECTED}
    assert await regions(features, visitors) == ["south"] * len(times)


async def test_a_mask_names_fields_that_can_be_changed(features: Shop) -> None:
    updates = []
    for path in ("visitor", "update_time", "password", "attributes.", "consent.x", "'; --"):
        updates.append(user_update(Visitor(user_id="anna"), "north"))
        updates[-1].update_mask.paths.append(path)
    results = await send(features, *updates)
    assert [(result.reason, result.field) for result in results] == [
        ("FIELD_UNKNOWN", f"updates[{place}].update_mask") for place in range(len(updates))
    ]


async def test_a_consent_that_nobody_knows_is_refused(features: Shop) -> None:
    update = user_update(Visitor(user_id="anna"), "north")
    update.user.consent = 99  # type: ignore[assignment]  # of a newer client
    assert (await send(features, update))[0].reason == "CONSENT_UNKNOWN"


async def test_merges_make_no_chains_and_no_circles(features: Shop) -> None:
    anna, bert = Visitor(user_id="anna"), Visitor(user_id="bert")
    await send(features, user_update(anna, "north"), user_update(Visitor(anonymous_id="anna"), "west"))
    # "anna" before the sign-in is not the user "anna": nobody's updates go along.
    for anonymous_id, user_id in (("anna", "bert"), ("bert", "anna")):
        await features.users.MergeUsers(pb.MergeUsersRequest(anonymous_id=anonymous_id, user_id=user_id))
    assert await regions(features, [anna, bert]) == ["north", "west"]
    itself = pb.MergeUsersRequest(anonymous_id="anna", user_id="anna")
    assert (await refusal(features.users.MergeUsers(itself)))[:2] == ("INVALID_ARGUMENT", "MERGE_INTO_ITSELF")
    unknown = pb.UnmergeUsersRequest(anonymous_id="carl", user_id="anna")
    assert (await refusal(features.users.UnmergeUsers(unknown)))[:2] == ("FAILED_PRECONDITION", "NOT_MERGED")
    other = pb.UnmergeUsersRequest(anonymous_id="anna", user_id="anna2")
    assert (await refusal(features.users.UnmergeUsers(other)))[:2] == ("FAILED_PRECONDITION", "NOT_MERGED")
    for anonymous_id, user_id, field in (
        ("", "anna", "anonymous_id"),
        ("a", "", "user_id"),
        ("a\r", "b", "anonymous_id"),
    ):
        request = pb.MergeUsersRequest(anonymous_id=anonymous_id, user_id=user_id)
        assert (await refusal(features.users.MergeUsers(request)))[2] == [field]


async def test_erasing_nobody_is_an_erasure_and_bad_requests_are_none(features: Shop) -> None:
    receipt = await features.users.DeleteUser(pb.DeleteUserRequest(visitor=Visitor(user_id="nobody")))
    assert (receipt.deleted_row_count, bool(receipt.receipt_id)) == (0, True)
    for request, field in (
        (pb.DeleteUserRequest(), "visitor"),
        (pb.DeleteUserRequest(visitor=Visitor(user_id="x" * 257)), "visitor.user_id"),
        (pb.DeleteUserRequest(visitor=Visitor(user_id="anna"), request_id="x" * 257), "request_id"),
        (pb.DeleteUserRequest(visitor=Visitor(user_id="anna"), request_id="\x07"), "request_id"),
    ):
        assert (await refusal(features.users.DeleteUser(request)))[2] == [field]


async def test_a_refusal_survives_a_merge_and_a_later_word(features: Shop, log: FakeEventService) -> None:
    update = user_update(Visitor(anonymous_id="guest"), "north")
    update.user.consent = CONSENT_NONE
    await send(features, update)
    await features.users.MergeUsers(pb.MergeUsersRequest(anonymous_id="guest", user_id="anna"))
    await send(features, user_update(Visitor(user_id="anna"), "south"))
    log.append(event("1", Visitor(user_id="anna"), EVENT_TYPE_VIEW, "tea"))
    await features.applied(1)
    known = await features.user(Visitor(user_id="anna"))
    assert (known.known, known.consent, known.event_count) == (False, CONSENT_NONE, 0)
