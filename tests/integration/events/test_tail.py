import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import grpc
import pytest

from services.common.channels import open_channel
from services.common.clock import FixedClock
from services.common.rpc_status import from_rpc_error
from services.common.server import running
from services.common.visitors import partition_of
from services.events.app import build
from services.events.settings import EventsSettings
from tests.support.events import EventLog, assert_contiguous, ingest, tail_request, view, whole_log
from vitrine.events.v1.event_service_pb2 import LoggedEvent, PartitionOffset, TailEventsRequest, TailEventsResponse


async def next_answer(call: object) -> TailEventsResponse:
    answer = await asyncio.wait_for(call.read(), 10)  # type: ignore[attr-defined]
    assert isinstance(answer, TailEventsResponse)
    return answer


async def test_an_empty_log_says_that_its_end_is_reached(log: EventLog) -> None:
    [answer] = [each async for each in log.TailEvents(tail_request(), timeout=10)]
    assert answer.caught_up
    assert list(answer.next_offsets) == [PartitionOffset(partition=each) for each in range(8)]


async def test_only_the_last_answer_has_caught_up(log: EventLog) -> None:
    await ingest(log, *(view(str(each), f"user-{each}") for each in range(100)))
    answers = [each async for each in log.TailEvents(tail_request(batch_size=7), timeout=10)]
    assert max(len(each.events) for each in answers) == 7
    assert [each.caught_up for each in answers] == [False] * (len(answers) - 1) + [True]
    events = [event for answer in answers for event in answer.events]
    assert len(events) == 100
    assert_contiguous(events)


async def test_it_can_be_resumed_after_any_answer(log: EventLog) -> None:
    await ingest(log, *(view(str(each), f"user-{each}") for each in range(60)))
    answers = [each async for each in log.TailEvents(tail_request(batch_size=9), timeout=10)]
    read: list[LoggedEvent] = []
    for answer in answers:
        read += answer.events
        rest = await whole_log(log, answer.next_offsets)
        assert len(rest) == 60 - len(read)
        assert_contiguous(read + rest)


async def test_single_partitions_can_be_read(log: EventLog) -> None:
    users = [f"user-{each}" for each in range(40)]
    await ingest(log, *(view("e", user) for user in users))
    events = await whole_log(log, [PartitionOffset(partition=3, offset=1)])
    assert [event.event.visitor.user_id for event in events] == [
        user for user in users if partition_of(f"u:{user}", 8) == 3
    ][1:]
    assert [event.offset for event in events] == list(range(1, len(events) + 1))


async def test_a_follower_hears_of_a_commit_at_once(log: EventLog) -> None:
    call = log.TailEvents(tail_request(follow=True))
    assert (await next_answer(call)).caught_up
    delays = []
    for number in range(20):
        await asyncio.sleep(0.01)
        await ingest(log, view(str(number)))
        acknowledged = time.perf_counter()
        answer = await next_answer(call)
        delays.append(time.perf_counter() - acknowledged)
        assert [event.event.event_id for event in answer.events] == [str(number)]
    call.cancel()
    assert sorted(delays)[10] < 0.08, "sooner than by polling"


async def test_no_gap_and_no_double_while_many_write(log: EventLog) -> None:
    writers, batches, size = 6, 12, 20

    async def write(writer: int) -> None:
        for number in range(batches):
            await ingest(log, *(view(f"{writer}.{number}.{each}", f"user-{writer}-{each % 5}") for each in range(size)))

    async def follow() -> list[LoggedEvent]:
        """Follows, leaves after every few answers, and comes back where it stood."""
        events: list[LoggedEvent] = []
        places: Sequence[PartitionOffset] = ()
        while len(events) < writers * batches * size:
            call = log.TailEvents(tail_request(places, follow=True, batch_size=17))
            for _ in range(5):
                answer = await next_answer(call)
                events += answer.events
                places = list(answer.next_offsets)
                if len(events) >= writers * batches * size:
                    break
            call.cancel()
        return events

    following = [asyncio.create_task(follow()) for _ in range(2)]
    await asyncio.gather(*(write(each) for each in range(writers)))
    for events in await asyncio.wait_for(asyncio.gather(*following), 30):
        assert_contiguous(events)
        assert len({event.event.event_id for event in events}) == writers * batches * size


async def test_commits_of_another_process_are_seen(log: EventLog, settings: EventsSettings) -> None:
    call = log.TailEvents(tail_request(follow=True))
    await next_answer(call)
    async with running(settings, build(settings)) as other, open_channel(other.address) as channel:
        await ingest(EventLog(channel), view("from elsewhere"))
        answer = await next_answer(call)
    call.cancel()
    assert [event.event.event_id for event in answer.events] == ["from elsewhere"]


async def test_two_servers_on_one_store_leave_no_gap(log: EventLog, settings: EventsSettings) -> None:
    async with running(settings, build(settings)) as other, open_channel(other.address) as channel:
        logs = [log, EventLog(channel)]
        await asyncio.gather(
            *(ingest(logs[each % 2], view(str(each)), view(f"{each // 2}", "shared")) for each in range(40))
        )
    events = await whole_log(log)
    assert_contiguous(events)
    assert len(events) == 60


async def test_a_follower_goes_on_after_a_restart(settings: EventsSettings, clock: FixedClock) -> None:
    async with AsyncExitStack() as channels:
        async with running(settings, build(settings, clock)) as server:
            log = EventLog(await channels.enter_async_context(open_channel(server.address)))
            await ingest(log, view("before"))
            call = log.TailEvents(tail_request(follow=True))
            first = await next_answer(call)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await call.read()
        assert ended.value.code() == grpc.StatusCode.UNAVAILABLE
        async with running(settings, build(settings, clock)) as server:
            log = EventLog(await channels.enter_async_context(open_channel(server.address)))
            await ingest(log, view("after"))
            call = log.TailEvents(tail_request(list(first.next_offsets), follow=True))
            second = await next_answer(call)
            call.cancel()
    assert [event.event.event_id for event in (*first.events, *second.events)] == ["before", "after"]


async def test_answers_stay_below_the_usual_message_limit(log: EventLog) -> None:
    large = {str(each): "x" * 1024 for each in range(32)}
    for part in range(2):
        await ingest(log, *(view(f"{part}.{each}", f"user-{each}", context=large) for each in range(100)))
    answers = [each async for each in log.TailEvents(tail_request(batch_size=5_000), timeout=20)]
    assert len(answers) > 1
    assert max(each.ByteSize() for each in answers) < 4 * 1024 * 1024
    assert_contiguous([event for answer in answers for event in answer.events])


@pytest.mark.parametrize(
    ("request_", "code", "reason", "field"),
    [
        (tail_request(batch_size=-1), "INVALID_ARGUMENT", "OUT_OF_RANGE", "batch_size"),
        (tail_request(batch_size=5_001), "INVALID_ARGUMENT", "OUT_OF_RANGE", "batch_size"),
        (tail_request([PartitionOffset(partition=8)]), "INVALID_ARGUMENT", "PARTITION_UNKNOWN", "from[0].partition"),
        (
            tail_request([PartitionOffset(), PartitionOffset()]),
            "INVALID_ARGUMENT",
            "PARTITION_TWICE",
            "from[1].partition",
        ),
        (tail_request([PartitionOffset(offset=1)]), "OUT_OF_RANGE", "OFFSET_BEYOND_END", "from[0].offset"),
    ],
)
async def test_a_wrong_beginning_is_named(
    log: EventLog, request_: TailEventsRequest, code: str, reason: str, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await log.TailEvents(request_, timeout=10).read()
    error = from_rpc_error(refused.value)
    assert (error.code.name, error.reason, [each.field for each in error.violations]) == (code, reason, [field])
