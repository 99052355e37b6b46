import json
from datetime import timedelta

import grpc
import pytest

from services.common.clock import FixedClock
from services.common.rpc_status import from_rpc_error
from services.common.timestamps import to_timestamp
from tests.support.events import EventLog, assert_contiguous, ingest, statuses, view, whole_log
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_service_pb2 import (
    DeleteUserRequest,
    ExportUserRequest,
    ListUserEventsRequest,
    ListUserEventsResponse,
    ListUserPagesRequest,
    LogPagesRequest,
    PageRecord,
    ShelfRecord,
)

ANNA, BERT = Visitor(user_id="anna"), Visitor(user_id="bert")


def page(page_id: str, visitor: Visitor, clock: FixedClock, age: int = 0) -> PageRecord:
    record = PageRecord(page_id=page_id, visitor=visitor, serve_time=to_timestamp(clock.now() - timedelta(hours=age)))
    record.shelves.append(ShelfRecord(shelf_id="s", kind="POPULAR", item_ids=["a", "b"]))
    return record


async def listed(log: EventLog, visitor: Visitor, size: int) -> list[ListUserEventsResponse]:
    answers: list[ListUserEventsResponse] = []
    token = ""
    while not answers or token:
        answer = await log.ListUserEvents(
            ListUserEventsRequest(visitor=visitor, page_size=size, page_token=token), timeout=10
        )
        answers.append(answer)
        token = answer.next_page_token
    return answers


async def exported(log: EventLog, visitor: Visitor) -> list[dict[str, object]]:
    parts = [part.json_lines async for part in log.ExportUser(ExportUserRequest(visitor=visitor), timeout=10)]
    assert all(part.endswith(b"\n") for part in parts)
    return [json.loads(line) for line in b"".join(parts).decode().split("\n")[:-1]]


async def test_events_are_listed_newest_first_in_pages(log: EventLog, clock: FixedClock) -> None:
    ages = [3, 1, 2, 1, 5]
    await ingest(
        log,
        *(
            view(f"{age}.{index}", "anna", event_time=to_timestamp(clock.now() - timedelta(hours=age)))
            for index, age in enumerate(ages)
        ),
        view("other", "bert"),
    )
    answers = await listed(log, ANNA, 2)
    assert [len(answer.events) for answer in answers] == [2, 2, 1]
    ids = [event.event.event_id for answer in answers for event in answer.events]
    assert ids == ["1.3", "1.1", "2.2", "3.0", "5.4"]


async def test_a_last_page_that_is_full_has_no_token(log: EventLog) -> None:
    await ingest(log, view("1", "anna"), view("2", "anna"))
    assert len(await listed(log, ANNA, 2)) == 1


async def test_a_visitor_nobody_knows_has_no_events(log: EventLog) -> None:
    [answer] = await listed(log, Visitor(anonymous_id="new"), 0)
    assert not answer.events


async def test_a_page_size_of_10000_is_taken_as_1000(log: EventLog) -> None:
    await ingest(log, *(view(str(each), "anna") for each in range(1_000)))
    await ingest(log, view("one more", "anna"))
    answers = await listed(log, ANNA, 10_000)
    assert [len(answer.events) for answer in answers] == [1_000, 1]


async def test_a_token_of_another_visitor_is_refused(log: EventLog) -> None:
    await ingest(log, view("1", "anna"), view("2", "anna"))
    token = (await log.ListUserEvents(ListUserEventsRequest(visitor=ANNA, page_size=1))).next_page_token
    for request in (
        ListUserEventsRequest(visitor=BERT, page_token=token),
        ListUserEventsRequest(visitor=ANNA, page_token="malformed"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await log.ListUserEvents(request)
        error = from_rpc_error(refused.value)
        assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


@pytest.mark.parametrize("visitor", [Visitor(), Visitor(user_id="u" * 257), Visitor(anonymous_id="a\n")])
async def test_a_bad_visitor_is_named(log: EventLog, visitor: Visitor) -> None:
    for call in (
        log.ListUserEvents(ListUserEventsRequest(visitor=visitor)),
        log.ListUserPages(ListUserPagesRequest(visitor=visitor)),
        log.DeleteUser(DeleteUserRequest(visitor=visitor)),
        log.ExportUser(ExportUserRequest(visitor=visitor)).read(),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        error = from_rpc_error(refused.value)
        assert error.code == grpc.StatusCode.INVALID_ARGUMENT
        assert error.violations[0].field.startswith("visitor")


async def test_an_export_has_all_that_the_log_holds(log: EventLog, clock: FixedClock) -> None:
    await ingest(
        log,
        *(view(f"ü{each}", "anna", search_text="a\nb") for each in range(450)),
        view("bad", "anna", unit_price=float("nan")),
        view("other", "bert"),
    )
    await log.LogPages(LogPagesRequest(pages=[page("p1", ANNA, clock), page("p2", BERT, clock)]))
    lines = await exported(log, ANNA)
    assert [line["kind"] for line in lines] == ["event"] * 450 + ["quarantined_event", "page"]
    assert lines[0]["event"]["event_id"] == "ü449"  # type: ignore[index]
    assert (lines[450]["reason"], lines[450]["field"]) == ("NOT_FINITE", "unit_price")
    assert lines[451]["page_id"] == "p1"
    assert "bert" not in json.dumps(lines)
    assert await exported(log, Visitor(user_id="nobody")) == []


async def test_erasing_a_user_leaves_only_places(log: EventLog, clock: FixedClock) -> None:
    events = [view(str(each), "anna") for each in range(5)]
    await ingest(log, *events, view("bad", "anna", quantity=-1), *(view(str(each), "bert") for each in range(5)))
    await log.LogPages(LogPagesRequest(pages=[page("p1", ANNA, clock), page("p2", BERT, clock)]))
    receipt = await log.DeleteUser(DeleteUserRequest(visitor=ANNA, request_id="once"))
    assert (receipt.deleted_event_count, receipt.deleted_page_count, receipt.deleted_quarantine_count) == (5, 1, 1)
    assert receipt.receipt_id
    assert receipt.delete_time == to_timestamp(clock.now())
    logged = await whole_log(log)
    assert_contiguous(logged)
    assert sum(event.erased for event in logged) == 5
    assert not any(event.erased and event.HasField("event") for event in logged)
    assert {event.event.visitor.user_id for event in logged if not event.erased} == {"bert"}
    assert await exported(log, ANNA) == []
    assert len(await exported(log, BERT)) == 6


async def test_a_repeated_erasure_returns_the_first_receipt(log: EventLog, clock: FixedClock) -> None:
    await ingest(log, view("1", "anna"))
    request = DeleteUserRequest(visitor=ANNA, request_id="once")
    first = await log.DeleteUser(request)
    clock.advance(timedelta(hours=1))
    assert statuses(await ingest(log, view("1", "anna"), view("2", "anna"))) == ["DUPLICATE", "STORED"]
    assert await log.DeleteUser(request) == first
    assert len(await exported(log, ANNA)) == 1
    later = await log.DeleteUser(DeleteUserRequest(visitor=ANNA, request_id="twice"))
    assert (later.deleted_event_count, later.receipt_id == first.receipt_id) == (1, False)


async def test_a_bad_request_id_is_named(log: EventLog) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await log.DeleteUser(DeleteUserRequest(visitor=ANNA, request_id="x" * 257))
    assert [each.field for each in from_rpc_error(refused.value).violations] == ["request_id"]


async def test_pages_are_logged_once_and_listed_newest_first(log: EventLog, clock: FixedClock) -> None:
    pages = [page(f"p{age}", ANNA, clock, age) for age in (2, 0, 1)]
    assert (await log.LogPages(LogPagesRequest(pages=[*pages, pages[0]]))).stored_count == 3
    assert (await log.LogPages(LogPagesRequest(pages=pages))).stored_count == 0
    first = await log.ListUserPages(ListUserPagesRequest(visitor=ANNA, page_size=2))
    second = await log.ListUserPages(ListUserPagesRequest(visitor=ANNA, page_size=2, page_token=first.next_page_token))
    assert [each.page_id for each in (*first.pages, *second.pages)] == ["p0", "p1", "p2"]
    assert second.next_page_token == ""
    assert first.pages[0] == pages[1]


async def test_bad_pages_are_refused_with_every_field(log: EventLog, clock: FixedClock) -> None:
    good, bad = page("good", ANNA, clock), page("", Visitor(), clock)
    bad.ClearField("serve_time")
    bad.shelves[0].item_ids.append("")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await log.LogPages(LogPagesRequest(pages=[good, bad]))
    assert [each.field for each in from_rpc_error(refused.value).violations] == [
        "pages[1].page_id",
        "pages[1].visitor",
        "pages[1].serve_time",
        "pages[1].shelves[0].item_ids[2]",
    ]
    assert not (await log.ListUserPages(ListUserPagesRequest(visitor=ANNA))).pages


@pytest.mark.parametrize(("count", "reason"), [(0, "EMPTY_BATCH"), (101, "BATCH_TOO_LARGE")])
async def test_pages_come_in_batches_of_up_to_100(log: EventLog, clock: FixedClock, count: int, reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await log.LogPages(LogPagesRequest(pages=[page(str(each), ANNA, clock) for each in range(count)]))
    assert from_rpc_error(refused.value).reason == reason
