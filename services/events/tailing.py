import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from services.common.errors import FieldViolation, OutOfRangeError
from services.common.validation import Violations
from services.events.change_signal import ChangeSignal
from services.events.logged_event import fill_logged_event
from services.events.read_pool import ReadPool
from services.events.storage.log_reader import LogReader
from vitrine.events.v1.event_service_pb2 import PartitionOffset, TailEventsRequest, TailEventsResponse

DEFAULT_BATCH: Final = 1_000
MAX_BATCH: Final = 5_000
# Clients take messages of 4 MiB unless told otherwise: an answer ends well before, whatever the size of its events.
MAX_ANSWER_BYTES: Final = 2 * 1024 * 1024


class Tailer:
    """Streams the log from given places on and follows its end.

    Offsets of a partition are committed in their order (see `append_events`), so what a read up to the head finds is
    all there will ever be up to there: nothing can be skipped. Commits of this process wake followers at once, those
    of others are seen within `poll_seconds`.
    """

    def __init__(self, reader: LogReader, pool: ReadPool, signal: ChangeSignal, poll_seconds: float) -> None:
        self._reader = reader
        self._pool = pool
        self._signal = signal
        self._poll_seconds = poll_seconds

    async def run(self, request: TailEventsRequest) -> AsyncIterator[TailEventsResponse]:
        """Yields stretches of the log. Raises InvalidArgumentError for partitions that the log does not have, and
        OutOfRangeError for offsets beyond its end.
        """
        limit = request.batch_size or DEFAULT_BATCH
        ends = await self._pool.run(self._reader.end_offsets)
        places = _starting_places(request, ends)
        told = False
        while True:
            grown = self._signal.current()
            if request.follow:
                ends = await self._pool.run(self._reader.end_offsets)
            answer = await self._pool.run(self._read, places, ends, limit)
            if answer.events or not told:
                told = answer.caught_up
                yield answer
            if not answer.caught_up:
                continue
            if not request.follow:
                return
            await self._wait(grown)

    def _read(self, places: dict[int, int], ends: Sequence[int], limit: int) -> TailEventsResponse:
        """Reads on from `places`, and moves them. The partition that is furthest behind comes first."""
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


def _starting_places(request: TailEventsRequest, ends: Sequence[int]) -> dict[int, int]:
    """Returns the offset to begin at by partition; all partitions from 0 where the request names none."""
    violations = Violations()
    if not 0 <= request.batch_size <= MAX_BATCH:
        violations.add(
            "batch_size",
            f"is {request.batch_size}; send 1 to {MAX_BATCH:,}, or 0 for {DEFAULT_BATCH:,}",
            reason="OUT_OF_RANGE",
        )
    places: dict[int, int] = {}
    for index, start in enumerate(getattr(request, "from")):
        if start.partition >= len(ends):
            violations.add(
                f"from[{index}].partition",
                f"is {start.partition}; the log has partitions 0 to {len(ends) - 1}",
                reason="PARTITION_UNKNOWN",
            )
        elif start.partition in places:
            violations.add(f"from[{index}].partition", "is there twice; send one entry each", reason="PARTITION_TWICE")
        places[start.partition] = start.offset
    violations.raise_if_any("The tail cannot begin")
    for index, start in enumerate(getattr(request, "from")):
        if start.offset > ends[start.partition]:
            description = (
                f"is {start.offset}, beyond the log's end {ends[start.partition]}; the log is not the one that this "
                "place is of (an older copy?): rebuild the consumer from offset 0"
            )
            field = f"from[{index}].offset"
            raise OutOfRangeError(
                f"{field} {description}",
                reason="OFFSET_BEYOND_END",
                violations=[FieldViolation(field, description, "OFFSET_BEYOND_END")],
            )
    return places or dict.fromkeys(range(len(ends)), 0)
