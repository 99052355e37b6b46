"""What an erasure leaves: nothing, in no store, not even in the bytes of its files, nor in what is made later."""

import uuid
from datetime import UTC, datetime

from services.candidates.jobs.interactions import Interactions
from services.candidates.jobs.read_log import ReadLog
from services.candidates.jobs.reading import read_catalog, read_events
from services.common.progress import NoProgress
from services.common.visitors import visitor_key
from services.events.digests import visitor_digest
from services.ranker.training.shop.shop_reader import read_shop
from tests.integration.features.shop import item
from tests.integration.privacy.conftest import Stores
from tests.support.events import ingest, statuses
from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.common.v1.visitor_pb2 import CONSENT_NONE, Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_PURCHASE, EVENT_TYPE_VIEW, Event, EventType
from vitrine.events.v1.event_service_pb2 import ListUserEventsRequest, LogPagesRequest, PageRecord
from vitrine.features.v1 import user_service_pb2 as pb
from vitrine.features.v1.user_pb2 import User

MARK = f"mark-{uuid.uuid4().hex}"
ZOE = Visitor(user_id=f"{MARK}/zoë")
GUEST = Visitor(anonymous_id=f"{MARK}/guest")
BERT = Visitor(user_id="bert-stays-where-he-is")
EVENTS = 30


def event(number: int, visitor: Visitor, kind: EventType.ValueType = EVENT_TYPE_VIEW, quantity: float = 1.0) -> Event:
    made = Event(event_id=f"{number}", visitor=visitor, type=kind, item_id="tea", quantity=quantity)
    made.context["note"] = f"written by {visitor.user_id or visitor.anonymous_id} " + "x" * 500
    return made


async def fill(stores: Stores) -> None:
    """Zoë, who was a guest before, and Bert view, buy, see pages and send what is not fit."""
    await stores.features.upsert(item("tea"))
    for visitor in (ZOE, GUEST, BERT):
        events = [event(number, visitor) for number in range(EVENTS)]
        events.append(event(EVENTS, visitor, EVENT_TYPE_PURCHASE))
        events.append(event(EVENTS + 1, visitor, EVENT_TYPE_PURCHASE, quantity=-1.0))
        results = statuses(await ingest(stores.log, *events))
        assert results == ["STORED"] * (EVENTS + 1) + ["REJECTED"]
        page = PageRecord(page_id=f"page of {visitor.user_id or visitor.anonymous_id}", visitor=visitor)
        page.serve_time.FromDatetime(datetime.now(UTC))
        await stores.log.LogPages(LogPagesRequest(pages=[page]), timeout=10)
        user = User(visitor=visitor, attributes={"motto": AttributeValue(text=f"{visitor.user_id} forever")})
        await stores.features.users.UpsertUsers(pb.UpsertUsersRequest(updates=[pb.UserUpdate(user=user)]))
    await stores.features.applied(3 * (EVENTS + 1))
    await stores.features.saved(3 * (EVENTS + 1))
    await stores.features.users.MergeUsers(pb.MergeUsersRequest(anonymous_id=GUEST.anonymous_id, user_id=ZOE.user_id))


async def erase(stores: Stores, visitor: Visitor = ZOE) -> pb.DeleteUserResponse:
    return await stores.features.users.DeleteUser(pb.DeleteUserRequest(visitor=visitor, request_id="a letter"))


def files_with(stores: Stores, text: bytes) -> set[str]:
    """Which files of the stores hold the bytes anywhere, in rows, free pages or logs."""
    return {path.name for path in stores.folder.rglob("*") if path.is_file() and text in path.read_bytes()}


def signs_of(visitor: Visitor) -> list[bytes]:
    return [(visitor.user_id or visitor.anonymous_id).encode(), visitor_digest(visitor_key(visitor))]


async def test_no_byte_is_left_in_the_stores_files(stores: Stores) -> None:
    await fill(stores)
    for visitor in (ZOE, GUEST, BERT):
        assert all(files_with(stores, sign) for sign in signs_of(visitor))
    receipt = await erase(stores)
    assert (receipt.deleted_event_count, receipt.deleted_page_count, receipt.deleted_quarantine_count) == (
        2 * (EVENTS + 1),
        2,
        2,
    )
    assert receipt.deleted_row_count == 5  # the words and the states of both, and the merge
    for sign in (*signs_of(ZOE), *signs_of(GUEST), MARK.encode()):
        assert files_with(stores, sign) == set()
    assert all(files_with(stores, sign) for sign in signs_of(BERT))
    assert (await stores.features.user(BERT)).event_count == EVENTS + 1


async def test_who_withdraws_consent_leaves_no_history_in_the_files(stores: Stores) -> None:
    await fill(stores)
    notes = [f"written by {visitor.user_id or visitor.anonymous_id}".encode() for visitor in (ZOE, GUEST)]
    assert all(files_with(stores, note) for note in notes)
    refusing = pb.UserUpdate(user=User(visitor=ZOE, consent=CONSENT_NONE))
    await stores.features.users.UpsertUsers(pb.UpsertUsersRequest(updates=[refusing]))
    for visitor in (ZOE, GUEST):  # it holds for both, whom it is told of
        number = 1_000
        while statuses(await ingest(stores.log, event(number, visitor))) != ["NOT_KEPT"]:
            number += 1  # the log has not heard of it; what it keeps till then goes with the rest
    assert [files_with(stores, note) for note in notes] == [set(), set()]


async def test_what_is_built_later_knows_nothing_of_them(stores: Stores) -> None:
    await fill(stores)

    async def nothing() -> None:
        """What a job does now and then."""

    async def known() -> tuple[set[str], set[str]]:
        """The users of a training set, and those of the tables of neighbors."""
        data = await read_shop(stores.log_channel, stores.features_channel, NoProgress())
        item_nos, _ = await read_catalog(stores.features_address, NoProgress())
        log = ReadLog(Interactions(item_nos))
        await read_events(stores.log_address, log, NoProgress(), nothing, 1_000)
        return set(data.table.visitors) | set(data.attributes), set(log.interactions.take_new_users().values())

    everybody = {visitor_key(visitor) for visitor in (ZOE, GUEST, BERT)}
    assert await known() == (everybody, everybody)
    await erase(stores)
    assert await known() == ({visitor_key(BERT)}, {visitor_key(BERT)})


async def test_a_retry_of_an_erased_event_stays_erased_and_a_new_one_is_an_unknown_visitors(stores: Stores) -> None:
    await fill(stores)
    await erase(stores)
    # A client that was offline sends again what the shop had: that is known, and still erased.
    assert statuses(await ingest(stores.log, event(0, ZOE), event(1, GUEST))) == ["DUPLICATE"] * 2
    listed = await stores.log.ListUserEvents(ListUserEventsRequest(visitor=ZOE), timeout=10)
    assert list(listed.events) == []
    # Who comes back is somebody whom nobody knows, under the old id or another.
    assert statuses(await ingest(stores.log, event(2_000, ZOE))) == ["STORED"]
    await stores.features.applied(3 * (EVENTS + 1) + 1)
    known = await stores.features.user(ZOE)
    assert (known.event_count, len(known.attributes)) == (1, 0)
    assert (await stores.features.user(GUEST)).event_count == 0


async def test_erasing_again_finds_the_receipt_and_what_came_since_is_another_erasure(stores: Stores) -> None:
    await fill(stores)
    receipt = await erase(stores)
    await ingest(stores.log, event(2_000, ZOE))
    await stores.features.applied(3 * (EVENTS + 1) + 1)
    assert (await erase(stores)).receipt_id == receipt.receipt_id
    assert (await stores.features.user(ZOE)).event_count == 1
    another = await stores.features.users.DeleteUser(pb.DeleteUserRequest(visitor=ZOE, request_id="another letter"))
    assert (another.deleted_event_count, another.deleted_row_count) == (1, 1)
    assert files_with(stores, MARK.encode()) == set()
