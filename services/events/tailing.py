import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from services.common.background import ChangeSignal
from services.events.logged_event import fill_logged_event
from services.events.read_pool import ReadPool
from services.events.storage.log_reader import DroppedError, LogReader
from services.events.tail_places import DEFAULT_BATCH, offset_dropped, starting_places
from vitrine.events.v1.event_service_pb2 import (
    GetLogStatusResponse,
    PartitionOffset,
    TailEventsRequest,
    TailEventsResponse,
)

# Clients accept 4 MiB by default: an answer ends well below that, whatever the size of its events.
MAX_ANSWER_BYTES: Final = 2 * 1024 * 1024


class Tailer:
    """Streams the log from given offsets and follows its end.

    A partition's offsets are committed in order (see `append_events`), so a read up to the head finds everything that
    will ever be there: nothing can be skipped. Commits of this process wake followers at once; those of other processes
    are seen within `poll_seconds`.
    """

    def __init__(self, reader: LogReader, pool: ReadPool, signal: ChangeSignal, poll_seconds: float) -> None:
        self._reader = reader
        self._pool = pool
        self._signal = signal
        self._poll_seconds = poll_seconds

    async def run(self, request: TailEventsRequest) -> AsyncIterator[TailEventsResponse]:
        """Yields stretches of the log. Raises InvalidArgumentError for partitions that the log doesn't have, and
        OutOfRangeError for offsets beyond its end or no longer kept, even if they're deleted while it reads.
        """
        limit = request.batch_size or DEFAULT_BATCH
        bounds = await self._pool.run(self._reader.bounds)
        ends = [each.end for each in bounds]
        places = starting_places(request, bounds)
        told = False
        while True:
            grown = self._signal.current()
            if request.follow:
                ends = await self._pool.run(self._reader.end_offsets)
            try:
                answer = await self._pool.run(self._read, places, ends, limit)
            except DroppedError as error:
                raise offset_dropped(f"partition {error.partition}", error.offset, error.oldest) from error
            if answer.events or not told:
                told = answer.caught_up
                yield answer
            if not answer.caught_up:
                continue
            if not request.follow:
                return
            await self._wait(grown)

    def _read(self, places: dict[int, int], ends: Sequence[int], limit: int) -> TailEventsResponse:
        """Reads from `places` and advances them. The partition that is furthest behind comes first."""
        answer = TailEventsResponse()
        room = MAX_ANSWER_BYTES
        for partition in sorted(places, key=lambda each: places[each] - ends[each]):
            start = places[partition]
            end = min(ends[partition], start + limit - len(answer.events))
            for stored in self._reader.read(partition, start, end):
                if room <= 0:
                    break
                fill_logged_event(answer.events.add(), stored)
                places[partition] = stored.offset + 1
                room -= len(stored.payload or b"") + len(stored.attribution or b"")
        answer.next_offsets.extend(
            PartitionOffset(partition=partition, offset=offset) for partition, offset in sorted(places.items())
        )
        answer.caught_up = all(offset >= ends[partition] for partition, offset in places.items())
        return answer

    async def _wait(self, grown: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._poll_seconds):
                await grown.wait()
        except TimeoutError:
            pass


class LogStatus:
    """Reports where the log starts and ends."""

    def __init__(self, reader: LogReader, pool: ReadPool) -> None:
        self._reader = reader
        self._pool = pool

    async def read(self) -> GetLogStatusResponse:
        """Returns the bounds of each partition, in order, and how many events are in quarantine."""
        bounds = await self._pool.run(self._reader.bounds)
        return GetLogStatusResponse(
            start_offsets=[PartitionOffset(partition=no, offset=each.start) for no, each in enumerate(bounds)],
            end_offsets=[PartitionOffset(partition=no, offset=each.end) for no, each in enumerate(bounds)],
            quarantined_count=await self._pool.run(self._reader.quarantined_count),
        )
