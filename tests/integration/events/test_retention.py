import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest

from services.common.channels import open_channel
from services.common.clock import FixedClock
from services.common.rpc_status import from_rpc_error
from services.common.server import running
from services.events.app import build
from services.events.settings import EventsSettings
from tests.support.events import EventLog, ingest, statuses, tail_request, view, whole_log
from vitrine.events.v1.event_service_pb2 import GetLogStatusRequest, GetLogStatusResponse, PartitionOffset


@pytest.fixture
def settings(settings: EventsSettings) -> EventsSettings:
    """One partition; 30 days are kept, and what is older is looked for all the time."""
    update = {"partitions": 1, "retention_days": 30, "retention_interval_seconds": 0.02}
    return settings.model_copy(update=update)


@pytest.fixture
async def log(settings: EventsSettings, clock: FixedClock) -> AsyncIterator[EventLog]:
    async with running(settings, build(settings, clock)) as server, open_channel(server.address) as channel:
        yield EventLog(channel)


async def status(log: EventLog) -> GetLogStatusResponse:
    return await log.GetLogStatus(GetLogStatusRequest(), timeout=10)


async def dropped(log: EventLog, count: int) -> None:
    """Waits until the log begins at an offset."""
    async with asyncio.timeout(30):
        while (await status(log)).start_offsets[0].offset != count:  # noqa: ASYNC110  # it happens over there
            await asyncio.sleep(0.01)


def place(offset: int) -> list[PartitionOffset]:
    return [PartitionOffset(partition=0, offset=offset)]


async def test_what_is_older_goes_and_the_rest_stays(log: EventLog, clock: FixedClock) -> None:
    await ingest(log, view("old-1"), view("old-2"), view("bad", quantity=-1))
    clock.advance(timedelta(days=20))
    await ingest(log, view("young"))
    clock.advance(timedelta(days=10, seconds=1))
    await dropped(log, 2)
    assert [each.event.event_id for each in await whole_log(log)] == ["young"]
    assert [each.offset for each in await whole_log(log)] == [2]
    await ingest(log, view("new"))
    assert [each.offset for each in await whole_log(log)] == [2, 3]
    assert statuses(await ingest(log, view("young"))) == ["DUPLICATE"]
    async with asyncio.timeout(30):
        while (await status(log)).quarantined_count:  # noqa: ASYNC110  # the same
            await asyncio.sleep(0.01)


async def test_imported_history_is_kept_from_its_arrival(log: EventLog) -> None:
    await ingest(log, view("of 1970", event_time={"seconds": 1}))
    await asyncio.sleep(0.1)
    assert [each.event.event_id for each in await whole_log(log)] == ["of 1970"]


async def test_a_tail_from_a_dropped_offset_is_told_the_oldest(log: EventLog, clock: FixedClock) -> None:
    await ingest(log, *(view(str(each)) for each in range(5)))
    clock.advance(timedelta(days=31))
    await ingest(log, view("young"))
    await dropped(log, 5)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await whole_log(log, place(3))
    error = from_rpc_error(refused.value)
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "OFFSET_DROPPED")
    assert error.metadata["oldest_offset"] == "5"
    assert [each.field for each in error.violations] == ["from[0].offset"]
    assert [each.offset for each in await whole_log(log, place(5))] == [5]
    assert [each.offset for each in await whole_log(log, place(0))] == [5], "0 is the oldest that is kept"


async def test_a_follower_at_the_end_goes_on(log: EventLog, clock: FixedClock) -> None:
    await ingest(log, *(view(str(each)) for each in range(5)))
    read: list[int] = []

    async def follow() -> None:
        async for answer in log.TailEvents(tail_request(follow=True)):
            read.extend(each.offset for each in answer.events)
            if len(read) == 6:
                return

    following = asyncio.create_task(follow())
    async with asyncio.timeout(30):
        while len(read) < 5:  # noqa: ASYNC110  # it follows by itself
            await asyncio.sleep(0.01)
    clock.advance(timedelta(days=31))
    await dropped(log, 5)
    await ingest(log, view("young"))
    await asyncio.wait_for(following, 10)
    assert read == [0, 1, 2, 3, 4, 5]


async def test_events_go_in_while_many_are_dropped(log: EventLog, clock: FixedClock) -> None:
    for batch in range(3):
        await ingest(log, *(view(f"{batch}.{each}") for each in range(1_000)))
    clock.advance(timedelta(days=31))
    sent = 0
    while (await status(log)).start_offsets[0].offset < 3_000:
        results = await ingest(log, view(f"young-{sent}"))
        assert statuses(results) == ["STORED"]
        sent += 1
    assert [each.offset for each in await whole_log(log)] == list(range(3_000, 3_000 + sent))
