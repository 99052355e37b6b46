import asyncio
from datetime import timedelta

import grpc
import pytest

from services.common.clock import FixedClock
from services.common.rpc_status import from_rpc_error
from services.common.signing import Signer
from services.common.timestamps import to_millis, to_timestamp
from services.common.tracking import seal_tracking
from tests.integration.events.conftest import SIGNING_KEY
from tests.support.events import EventLog, assert_contiguous, ingest, statuses, view, whole_log
from vitrine.common.v1.tracking_pb2 import TrackingPayload
from vitrine.events.v1.event_service_pb2 import GetLogStatusRequest, IngestEventsRequest


async def test_what_is_stored_can_be_read_back(log: EventLog, clock: FixedClock) -> None:
    moment = to_timestamp(clock.now() - timedelta(days=400))
    sent = view("a/b 🧀", item_id="item;1", event_time=moment, context={"device": "phone"}, order_id="o,1")
    [result] = await ingest(log, sent)
    assert (statuses([result]), result.event_id) == (["STORED"], "a/b 🧀")
    [logged] = await whole_log(log)
    sent.quantity = 1
    assert logged.event == sent
    assert logged.ingest_time == to_timestamp(clock.now())
    assert not logged.erased
    assert not logged.HasField("attribution")


async def test_each_event_of_a_batch_has_its_own_answer(log: EventLog, clock: FixedClock) -> None:
    next_year = to_timestamp(clock.now() + timedelta(days=365))
    results = await ingest(
        log,
        view("good"),
        view("x" * 257),
        view("late", event_time=next_year),
        view("good"),
        view("nan", unit_price=float("nan")),
        view("", item_id="item-2"),
    )
    assert statuses(results) == ["STORED", "REJECTED", "REJECTED", "DUPLICATE", "REJECTED", "STORED"]
    assert [(each.reason, each.field) for each in results] == [
        ("", ""),
        ("ID_TOO_LONG", "events[1].event_id"),
        ("EVENT_TIME_IN_FUTURE", "events[2].event_time"),
        ("", ""),
        ("NOT_FINITE", "events[4].unit_price"),
        ("", ""),
    ]
    assert results[5].event_id.startswith("derived-")
    assert "leave it out" in results[4].description
    status = await log.GetLogStatus(GetLogStatusRequest())
    assert status.quarantined_count == 3
    assert sum(each.offset for each in status.end_offsets) == 2
    assert [each.partition for each in status.end_offsets] == list(range(8))


async def test_a_retry_changes_nothing(log: EventLog) -> None:
    batch = [view(str(each), f"user-{each % 7}") for each in range(50)]
    assert set(statuses(await ingest(log, *batch))) == {"STORED"}
    assert set(statuses(await ingest(log, *batch))) == {"DUPLICATE"}
    assert len(await whole_log(log)) == 50


async def test_the_same_event_from_many_callers_at_once_is_one(log: EventLog) -> None:
    answers = await asyncio.gather(*(ingest(log, view("same")) for _ in range(30)))
    assert sorted(status for answer in answers for status in statuses(answer)) == ["DUPLICATE"] * 29 + ["STORED"]
    assert len(await whole_log(log)) == 1


async def test_two_visitors_may_number_their_events_alike(log: EventLog) -> None:
    assert statuses(await ingest(log, view("1", "anna"), view("1", "bert"))) == ["STORED", "STORED"]


@pytest.mark.parametrize(("size", "reason"), [(0, "EMPTY_BATCH"), (1_001, "BATCH_TOO_LARGE")])
async def test_a_batch_of_a_wrong_size_is_refused_whole(log: EventLog, size: int, reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ingest(log, *(view(str(each)) for each in range(size)))
    error = from_rpc_error(refused.value)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert [each.field for each in error.violations] == ["events"]
    assert "send 1 to 1,000" in error.message
    assert await whole_log(log) == []


async def test_a_full_batch_is_welcome(log: EventLog) -> None:
    results = await ingest(log, *(view(str(each), f"user-{each % 99}") for each in range(1_000)))
    assert set(statuses(results)) == {"STORED"}
    events = await whole_log(log)
    assert len(events) == 1_000
    assert_contiguous(events)


async def test_a_message_beyond_the_limit_is_refused_with_advice(log: EventLog) -> None:
    huge = IngestEventsRequest(events=[view("e", search_text="x" * (17 * 1024 * 1024))])
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await log.IngestEvents(huge, timeout=20)
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_token_attributes_and_a_forged_one_does_not(log: EventLog, clock: FixedClock) -> None:
    place = TrackingPayload(page_id="p1", shelf_id="s1", position=2, serve_time_millis=to_millis(clock.now()))
    genuine = seal_tracking(Signer(SIGNING_KEY.encode()), place)
    forged = seal_tracking(Signer(b"f" * 32), place)
    place.serve_time_millis = to_millis(clock.now() - timedelta(days=31))
    expired = seal_tracking(Signer(SIGNING_KEY.encode()), place)
    events = [view(str(index), tracking_token=token) for index, token in enumerate((genuine, forged, expired, "x"))]
    assert statuses(await ingest(log, *events)) == ["STORED"] * 4
    logged = await whole_log(log)
    assert [each.HasField("attribution") for each in logged] == [True, False, False, False]
    assert (logged[0].attribution.page_id, logged[0].attribution.position) == ("p1", 2)
