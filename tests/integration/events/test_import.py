import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from services.common.channels import open_channel
from services.common.rpc_status import from_rpc_error
from services.common.server import running
from services.events.app import build
from services.events.settings import EventsSettings
from tests.support.events import EventLog, assert_contiguous, view, whole_log
from tests.support.forked_event_log import forking_event_log
from vitrine.events.v1.event_service_pb2 import ImportEventsRequest, ImportEventsResponse


def batch(number: int, size: int) -> ImportEventsRequest:
    return ImportEventsRequest(events=[view(f"{number}.{each}", f"user-{each % 37}") for each in range(size)])


async def imported(log: EventLog, *requests: ImportEventsRequest) -> list[ImportEventsResponse]:
    return [answer async for answer in log.ImportEvents(iter(requests), timeout=30)]


async def test_history_is_stored_batch_by_batch(log: EventLog) -> None:
    answers = await imported(log, *(batch(each, 100 + each) for each in range(10)))
    assert [each.stored_count for each in answers] == [100 + each for each in range(10)]
    events = await whole_log(log)
    assert len(events) == 1_045
    assert_contiguous(events)


async def test_importing_twice_changes_nothing(log: EventLog) -> None:
    await imported(log, batch(1, 30))
    [again] = await imported(log, batch(1, 30))
    assert (again.stored_count, again.duplicate_count) == (0, 30)
    assert len(await whole_log(log)) == 30


async def test_a_bad_event_is_named_and_the_rest_goes_in(log: EventLog) -> None:
    request = batch(1, 3)
    request.events[1].quantity = -1
    [answer] = await imported(log, request)
    assert (answer.stored_count, answer.duplicate_count) == (2, 0)
    assert [(each.field, each.reason, each.event_id) for each in answer.rejected] == [
        ("events[1].quantity", "OUT_OF_RANGE", "1.1")
    ]


async def test_a_sender_may_wait_for_each_result(log: EventLog) -> None:
    call = log.ImportEvents(timeout=30)
    for number in range(3):
        await call.write(batch(number, 10))
        answer = await asyncio.wait_for(call.read(), 10)
        assert isinstance(answer, ImportEventsResponse)
        assert answer.stored_count == 10
    await call.done_writing()
    assert await call.read() == grpc.aio.EOF


async def test_a_batch_of_5000_is_welcome_and_a_larger_one_ends_the_stream(log: EventLog) -> None:
    call = log.ImportEvents(iter([batch(1, 5_000), batch(2, 5_001), batch(3, 1)]), timeout=30)
    answer = await call.read()
    assert isinstance(answer, ImportEventsResponse)
    assert answer.stored_count == 5_000
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    error = from_rpc_error(refused.value)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BATCH_TOO_LARGE")


async def test_an_empty_stream_is_fine(log: EventLog) -> None:
    assert await imported(log) == []


async def test_many_streams_pace_themselves_instead_of_being_refused(settings: EventsSettings) -> None:
    """Together they send four times as much as may wait."""
    few = settings.model_copy(update={"max_waiting_events": 500, "max_group_events": 250})
    async with running(few, build(few)) as server, open_channel(server.address) as channel:
        log = EventLog(channel)

        async def stream(number: int) -> int:
            async def requests() -> AsyncIterator[ImportEventsRequest]:
                for each in range(2):
                    yield batch(number * 10 + each, 125)

            return sum([answer.stored_count async for answer in log.ImportEvents(requests(), timeout=60)])

        assert await asyncio.gather(*(stream(each) for each in range(8))) == [250] * 8


async def test_a_sender_who_leaves_disturbs_nobody(log: EventLog) -> None:
    call = log.ImportEvents(timeout=30)
    await call.write(batch(1, 10))
    await call.read()
    call.cancel()
    [answer] = await imported(log, batch(2, 10))
    assert answer.stored_count == 10


@pytest.mark.slow
async def test_an_import_goes_on_behind_the_last_answer_after_kill_9(tmp_path: Path, database_url: str) -> None:
    batches = [batch(number, 200) for number in range(60)]
    answered = 0
    broken = 0
    async with forking_event_log(tmp_path, database_url) as forks:
        while answered < len(batches):
            server = await forks.start()
            async with open_channel(server.address) as channel:
                try:
                    async for answer in EventLog(channel).ImportEvents(iter(batches[answered:]), timeout=30):
                        # What the answer did not reach us for is sent again, and counts as known.
                        assert answer.stored_count + answer.duplicate_count == 200
                        answered += 1
                        if answered in {10, 30, 31}:
                            server.kill()
                except grpc.aio.AioRpcError:
                    broken += 1
        server = await forks.start()
        async with open_channel(server.address) as channel:
            events = await whole_log(EventLog(channel))
    assert broken
    assert_contiguous(events)
    assert len(events) == len({each.event.event_id for each in events}) == 12_000
