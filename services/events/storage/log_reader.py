from collections.abc import Iterator

from sqlalchemy import func, select

from services.common.database import Database
from services.events.storage.records import StoredEvent
from services.events.storage.tables import events, heads, quarantine

# Events may be large: what one look may bring is bounded, whatever the caller's limit.
_ROWS_A_LOOK = 500


class LogReader:
    """Reads the log by place. Blocks: call it off the event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def end_offsets(self) -> list[int]:
        """Returns, by partition, the offset that the next event will get."""
        with self._database.connect() as connection:
            return list(connection.scalars(select(heads.c.next_offset).order_by(heads.c.partition_no)))

    def quarantined_count(self) -> int:
        """Returns how many events are in quarantine."""
        with self._database.connect() as connection:
            return connection.scalar(select(func.count()).select_from(quarantine)) or 0

    def read(self, partition: int, start: int, end: int) -> Iterator[StoredEvent]:
        """Yields a partition's events with offsets from `start` to before `end`, in their order, a few at a time."""
        while start < end:
            stop = min(end, start + _ROWS_A_LOOK)
            statement = (
                select(events.c.log_offset, events.c.ingest_millis, events.c.payload, events.c.attribution)
                .where(events.c.partition_no == partition, events.c.log_offset >= start, events.c.log_offset < stop)
                .order_by(events.c.log_offset)
            )
            with self._database.connect() as connection:
                rows = connection.execute(statement).all()
            for offset, ingest_millis, payload, attribution in rows:
                yield StoredEvent(partition, offset, ingest_millis, payload, attribution)
            start = stop
