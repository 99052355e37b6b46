from collections.abc import Sequence
from itertools import takewhile

from sqlalchemy import Column, Connection, delete, select, update

from services.common.database import Database
from services.events.storage.bulk import delete_keys
from services.events.storage.tables import events, pages, quarantine, starts


class LogSweeper:
    """Deletes rows older than a given time, a few per transaction. Blocks: call it off the event loop.

    It locks no head row, so appending never waits for it. Each call returns the number of deleted rows; fewer than
    `limit` means that nothing old is left.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def partitions(self) -> Sequence[int]:
        """Returns the log's partitions."""
        statement = select(starts.c.partition_no).order_by(starts.c.partition_no)
        return self._database.read(lambda connection: list(connection.scalars(statement)))

    def drop_events(self, partition: int, before_millis: int, limit: int) -> int:
        """Deletes a partition's oldest events, up to the first one that arrived at `before_millis` or later, so that
        what is kept has no gap.
        """
        return self._database.write(lambda connection: _drop_events(connection, partition, before_millis, limit))

    def drop_pages(self, before_millis: int, limit: int) -> int:
        """Deletes pages served before `before_millis`."""
        return self._database.write(
            lambda connection: _drop(connection, pages.c.page_key, pages.c.serve_millis, before_millis, limit)
        )

    def drop_rejections(self, before_millis: int, limit: int) -> int:
        """Deletes quarantined events that arrived before `before_millis`."""
        return self._database.write(
            lambda connection: _drop(
                connection, quarantine.c.rejection_key, quarantine.c.ingest_millis, before_millis, limit
            )
        )


def _drop_events(connection: Connection, partition: int, before_millis: int, limit: int) -> int:
    # Two processes that sweep meet at the start row; the second one finds the work done.
    start = connection.scalar(select(starts.c.first_offset).where(starts.c.partition_no == partition).with_for_update())
    ages = connection.execute(
        select(events.c.log_offset, events.c.ingest_millis)
        .where(events.c.partition_no == partition, events.c.log_offset >= start)
        .order_by(events.c.log_offset)
        .limit(limit)
    ).all()
    old = [offset for offset, _ in takewhile(lambda row: row[1] < before_millis, ages)]
    if old:
        end = old[-1] + 1
        connection.execute(delete(events).where(events.c.partition_no == partition, events.c.log_offset < end))
        connection.execute(update(starts).where(starts.c.partition_no == partition).values(first_offset=end))
    return len(old)


def _drop(connection: Connection, key: Column[bytes], time: Column[int], before_millis: int, limit: int) -> int:
    old = list(connection.scalars(select(key).where(time < before_millis).order_by(time).limit(limit)))
    delete_keys(connection, key, old)
    return len(old)
