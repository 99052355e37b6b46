from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from services.common.database import Database
from services.events.storage.records import StoredEvent
from services.events.storage.tables import STORED_EVENT, events, heads, quarantine, starts

# Events may be large: the rows of one query are bounded, whatever the caller's limit.
_ROWS_PER_QUERY = 500


class Bounds(NamedTuple):
    """The oldest offset of a partition that is kept, and the one that the next event will get."""

    start: int
    end: int


class DroppedError(Exception):
    """The events at an offset were deleted: they exceeded the retention period."""

    def __init__(self, partition: int, offset: int, oldest: int) -> None:
        super().__init__(f"offset {offset} of partition {partition} was dropped, the oldest is {oldest}")
        self.partition = partition
        self.offset = offset
        self.oldest = oldest


class LogReader:
    """Reads the log by offset. Blocks: call it off the event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def bounds(self) -> list[Bounds]:
        """Returns the bounds of each partition."""
        return self._database.read(_bounds)

    def end_offsets(self) -> list[int]:
        """Returns, by partition, the offset that the next event will get."""
        statement = select(heads.c.next_offset).order_by(heads.c.partition_no)
        return self._database.read(lambda connection: list(connection.scalars(statement)))

    def quarantined_count(self) -> int:
        """Returns how many events are in quarantine."""
        statement = select(func.count()).select_from(quarantine)
        return self._database.read(lambda connection: connection.scalar(statement) or 0)

    def read(self, partition: int, start: int, end: int) -> Iterator[StoredEvent]:
        """Yields a partition's events with offsets from `start` up to `end` (exclusive), in order.

        Raises DroppedError if the next one is no longer kept.
        """
        while start < end:
            stop = min(end, start + _ROWS_PER_QUERY)
            found = self._query(partition, start, stop)
            if not found or found[0].offset != start:
                # Offsets have no gaps, and only the oldest are deleted.
                raise DroppedError(partition, start, self.bounds()[partition].start)
            yield from found
            start = stop

    def _query(self, partition: int, start: int, stop: int) -> list[StoredEvent]:
        statement = (
            select(*STORED_EVENT)
            .where(events.c.partition_no == partition, events.c.log_offset >= start, events.c.log_offset < stop)
            .order_by(events.c.log_offset)
        )
        return self._database.read(lambda connection: [StoredEvent(*row) for row in connection.execute(statement)])


def _bounds(connection: Connection) -> list[Bounds]:
    statement = (
        select(starts.c.first_offset, heads.c.next_offset)
        .join_from(heads, starts, starts.c.partition_no == heads.c.partition_no)
        .order_by(heads.c.partition_no)
    )
    return [Bounds(*row) for row in connection.execute(statement)]
