from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert, select

from services.common.database import Database
from services.common.errors import FailedPreconditionError
from services.common.migrations import Migrations
from services.events.settings import EventsSettings
from services.events.storage.tables import heads, log_settings, starts

MIGRATIONS: Final = Migrations(Path(__file__).parents[1] / "migrations")

_PARTITIONS = "partitions"


def prepare(database: Database, partitions: int) -> None:
    """Migrates the log's tables, and sets or checks the number of partitions.

    Raises FailedPreconditionError if the log was created with another number: events are found by their partition, and
    the offsets that consumers have stored count inside it. Otherwise raises as `Migrations.upgrade`.
    """
    MIGRATIONS.upgrade(database)
    # Two processes may start on an empty store at once, and both find no partitions. MySQL locks no row that isn't
    # there: one of them inserts, and `write` has the other one look again.
    begun_with = database.write(lambda connection: _partitions(connection, partitions))
    if begun_with != partitions:
        raise FailedPreconditionError(
            f"the log has {begun_with} partitions, fixed when it was created, and "
            f"{EventsSettings.variable('partitions')} says {partitions}; set it to {begun_with}, or create a new log "
            "and import the old one",
            reason="PARTITIONS_CHANGED",
            metadata={"partitions": str(begun_with)},
        )


def _partitions(connection: Connection, wanted: int) -> int:
    """Returns the log's number of partitions; makes `wanted` ones if it has none yet."""
    found = connection.scalar(select(log_settings.c.value).where(log_settings.c.name == _PARTITIONS))
    if found is not None:
        return int(found)
    connection.execute(insert(log_settings).values(name=_PARTITIONS, value=wanted))
    connection.execute(insert(heads), [{"partition_no": each, "next_offset": 0} for each in range(wanted)])
    connection.execute(insert(starts), [{"partition_no": each, "first_offset": 0} for each in range(wanted)])
    return wanted
