"""What odd or hostile clients send: it is stored as it is, or rejected with the field and the remedy."""

import math
from typing import Any

import grpc
import pytest

from services.common.rpc_status import from_rpc_error
from tests.support.events import EventLog, ingest, statuses, view, whole_log
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import Event, EventType
from vitrine.events.v1.event_service_pb2 import (
    DeleteUserRequest,
    ExportUserRequest,
    ListUserEventsRequest,
    TailEventsRequest,
)

SQL = "'; DROP TABLE events; --"
HOSTILE = [
    SQL,
    '" OR 1=1 /*',
    "%s %(name)s {0} $1 ? :name",
    "\\'; \\\\ \\0",
    "`events`",
    "a/b;c,d|e f 🛍",
    "../../etc/passwd",
    "${jndi:ldap://x}",
]
# Pairs that a collation, a normalization or a trim would take for one.
TWINS = [
    ("A", "a"),
    ("é", "e\u0301"),
    ("\u212b", "\u00c5"),
    ("ss", "ß"),
    ("a", "a\u200b"),
    ("a", "\ufeffa"),
    ("a", "a "),
    ("a", "á"),
    ("I", "\u0131"),
    ("a", "\uff41"),
    ("🛍", "🛒"),
    ("1", "01"),
]


def purchase(event_id: str, **fields: Any) -> Event:
    event = view(event_id, **fields)
    event.type = EventType.EVENT_TYPE_PURCHASE
    return event


async def only_rejection(log: EventLog, event: Event) -> tuple[str, str, str]:
    """Sends the event between two good ones; returns reason, field and description of its rejection."""
    results = await ingest(log, view("before"), event, view("after"))
    assert statuses(results) == ["STORED", "REJECTED", "STORED"]
    return results[1].reason, results[1].field, results[1].description


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_looks_like_a_statement_is_only_text(log: EventLog, text: str) -> None:
    event = view(text, text, item_id=text, search_text=text, order_id=text, context={text[:16]: text})
    assert statuses(await ingest(log, event)) == ["STORED"]
    assert statuses(await ingest(log, event)) == ["DUPLICATE"]
    [logged] = await whole_log(log)
    assert logged.event.event_id == logged.event.visitor.user_id == logged.event.item_id == text
    assert (logged.event.search_text, logged.event.order_id, dict(logged.event.context)) == (
        text,
        text,
        {text[:16]: text},
    )
    listed = await log.ListUserEvents(ListUserEventsRequest(visitor=Visitor(user_id=text)))
    assert [each.event.item_id for each in listed.events] == [text]
    receipt = await log.DeleteUser(DeleteUserRequest(visitor=Visitor(user_id=text), request_id=text))
    assert receipt.deleted_event_count == 1


@pytest.mark.parametrize(("one", "other"), TWINS)
async def test_ids_that_look_alike_are_different(log: EventLog, one: str, other: str) -> None:
    """As events' ids of one user, and as users."""
    events = [view(one, "user"), view(other, "user"), view("e", one), view("e", other)]
    assert statuses(await ingest(log, *events)) == ["STORED"] * 4
    assert statuses(await ingest(log, *events)) == ["DUPLICATE"] * 4
    for user_id in (one, other):
        listed = await log.ListUserEvents(ListUserEventsRequest(visitor=Visitor(user_id=user_id)))
        assert [each.event.visitor.user_id for each in listed.events] == [user_id]
    await log.DeleteUser(DeleteUserRequest(visitor=Visitor(user_id=one)))
    listed = await log.ListUserEvents(ListUserEventsRequest(visitor=Visitor(user_id=other)))
    assert len(listed.events) == 1, "the other user is untouched"


async def test_ids_of_256_bytes_and_not_one_more(log: EventLog) -> None:
    longest = "é" * 128
    assert statuses(await ingest(log, view(longest, longest, item_id=longest))) == ["STORED"]
    reason, field, description = await only_rejection(log, view("e", item_id=longest + "x"))
    assert (reason, field) == ("ID_TOO_LONG", "events[1].item_id")
    assert "257 bytes" in description


@pytest.mark.parametrize(("id_", "reason"), [("a\nb", "ID_CONTROL_CHARACTER"), ("\0", "ID_CONTROL_CHARACTER")])
async def test_control_characters_are_refused(log: EventLog, id_: str, reason: str) -> None:
    assert (await only_rejection(log, view("e", item_id=id_)))[:2] == (reason, "events[1].item_id")


@pytest.mark.parametrize("seconds", [0, -1, -62_135_596_800, 1])
async def test_any_past_is_welcome(log: EventLog, seconds: int) -> None:
    assert statuses(await ingest(log, view("old", event_time={"seconds": seconds}))) == ["STORED"]
    [logged] = await whole_log(log)
    assert logged.event.event_time.seconds == seconds
    listed = await log.ListUserEvents(ListUserEventsRequest(visitor=Visitor(user_id="user-1")))
    assert len(listed.events) == 1


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (253_402_300_799, "EVENT_TIME_IN_FUTURE"),  # the end of 9999
        (253_402_300_800, "TIME_OUT_OF_RANGE"),
        (-62_135_596_801, "TIME_OUT_OF_RANGE"),
        (2**62, "TIME_OUT_OF_RANGE"),
    ],
)
async def test_impossible_times_are_rejected(log: EventLog, seconds: int, reason: str) -> None:
    found, field, description = await only_rejection(log, view("e", event_time={"seconds": seconds}))
    assert (found, field) == (reason, "events[1].event_time")
    assert "UTC" in description


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"quantity": -1}, "OUT_OF_RANGE", "quantity"),
        ({"quantity": 0}, "OUT_OF_RANGE", "quantity"),
        ({"quantity": 1e308}, "OUT_OF_RANGE", "quantity"),
        ({"quantity": math.nan}, "NOT_FINITE", "quantity"),
        ({"unit_price": 1e308}, "OUT_OF_RANGE", "unit_price"),
        ({"unit_price": -0.01}, "OUT_OF_RANGE", "unit_price"),
        ({"unit_price": math.inf}, "NOT_FINITE", "unit_price"),
        ({"unit_price": 1, "currency_code": "XXQ"}, "UNKNOWN_CURRENCY", "currency_code"),
        ({"unit_price": 1, "currency_code": SQL}, "UNKNOWN_CURRENCY", "currency_code"),
    ],
)
async def test_impossible_amounts_are_rejected(log: EventLog, fields: dict[str, Any], reason: str, field: str) -> None:
    found, path, description = await only_rejection(log, purchase("e", **fields))
    assert (found, path) == (reason, f"events[1].{field}")
    assert "send" in description


async def test_a_deleted_user_who_comes_back_begins_anew(log: EventLog) -> None:
    """What was erased stays erased, also where it is sent again; what comes afterwards is a new history."""
    anna = Visitor(user_id="anna")
    await ingest(log, view("1", "anna"), view("bad", "anna", quantity=-1))
    await log.DeleteUser(DeleteUserRequest(visitor=anna))
    assert statuses(await ingest(log, view("1", "anna"), view("2", "anna"))) == ["DUPLICATE", "STORED"]
    listed = await log.ListUserEvents(ListUserEventsRequest(visitor=anna))
    assert [each.event.event_id for each in listed.events] == ["2"]
    exported = b"".join([part.json_lines async for part in log.ExportUser(ExportUserRequest(visitor=anna))])
    assert exported.count(b"\n") == 1
    assert [each.erased for each in await whole_log(log)] == [True, False]


async def test_a_negative_batch_size_is_named(log: EventLog) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await log.TailEvents(TailEventsRequest(batch_size=-1)).read()
    assert [each.field for each in from_rpc_error(refused.value).violations] == ["batch_size"]
