from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from services.common.database import Database
from services.events.storage.records import StoredEvent
from services.events.storage.tables import STORED_EVENT, events, heads, quarantine, starts

# Events may be large: what one look may bring is bounded, whatever the caller's limit.
_ROWS_A_LOOK = 500


class Bounds(NamedTuple):
    """Where a partition begins and ends: the oldest offset that is kept, and the one that the next event will get."""

    start: int
    end: int


class DroppedError(Exception):
    """The events at a place were dropped: they were older than what is kept."""

    def __init__(self, partition: int, offset: int, oldest: int) -> None:
        super().__init__(f"offset {offset} of partition {partition} was dropped, the oldest is {oldest}")
        self.partition = partition
        self.offset = offset
        self.oldest = oldest


class LogReader:
    """Reads the log by place. Blocks: call it off the event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def bounds(self) -> list[Bounds]:
        """Returns where each partition begins and ends."""
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
        """Yields a partition's events with offsets from `start` to before `end`, in their order, a few at a time.

        Raises DroppedError once the next one is no longer kept.
        """
        while start < end:
            stop = min(end, start + _ROWS_A_LOOK)
            found = self._look(partition, start, stop)
            if not found or found[0].offset != start:
                # Offsets have no gaps, and only the oldest are dropped.
                raise DroppedError(partition, start, self.bounds()[partition].start)
            yield from found
            start = stop

    def _look(self, partition: int, start: int, stop: int) -> list[StoredEvent]:
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
