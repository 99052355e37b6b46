from pathlib import Path
from typing import Final

from sqlalchemy import insert, select

from services.common.database import Database
from services.common.errors import FailedPreconditionError
from services.common.migrations import Migrations
from services.events.settings import EventsSettings
from services.events.storage.tables import heads, log_settings, starts

MIGRATIONS: Final = Migrations(Path(__file__).parents[1] / "migrations")

_PARTITIONS = "partitions"


def prepare(database: Database, partitions: int) -> None:
    """Brings the log's tables up to date, and fixes or checks the number of partitions.

    Raises FailedPreconditionError where the log was begun with another number: events are found by their partition, and
    offsets that consumers have stored count inside it. Else as `Migrations.upgrade`.
    """
    MIGRATIONS.upgrade(database)
    with database.begin() as connection:
        begun_with = connection.scalar(
            select(log_settings.c.value).where(log_settings.c.name == _PARTITIONS).with_for_update()
        )
        if begun_with is None:
            connection.execute(insert(log_settings).values(name=_PARTITIONS, value=partitions))
            connection.execute(insert(heads), [{"partition_no": each, "next_offset": 0} for each in range(partitions)])
            connection.execute(
                insert(starts), [{"partition_no": each, "first_offset": 0} for each in range(partitions)]
            )
        elif begun_with != partitions:
            raise FailedPreconditionError(
                f"the log has {begun_with} partitions, fixed when it was begun, and "
                f"{EventsSettings.variable('partitions')} says {partitions}; set it to {begun_with}, or begin a new "
                "log and import the old one",
                reason="PARTITIONS_CHANGED",
                metadata={"partitions": str(begun_with)},
            )
