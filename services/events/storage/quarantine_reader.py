from typing import NamedTuple

from sqlalchemy import and_, or_, select

from services.common.database import Database
from services.events.storage.tables import quarantine


class QuarantinedEvent(NamedTuple):
    """An event in quarantine. `payload` is the serialized Event, as sent."""

    rejection_key: bytes
    ingest_millis: int
    reason: str
    field: str
    description: str
    payload: bytes


class QuarantineReader:
    """Reads the quarantine, oldest first, page by page. Blocks: call it off the event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, reason: str, limit: int, after: tuple[int, bytes] | None = None) -> list[QuarantinedEvent]:
        """Returns events of one reason, or of all reasons if it's empty; `after` is (ingest_millis, rejection_key)."""
        columns = quarantine.c
        statement = select(
            columns.rejection_key,
            columns.ingest_millis,
            columns.reason,
            columns.field,
            columns.description,
            columns.payload,
        ).order_by(columns.ingest_millis, columns.rejection_key)
        if reason:
            statement = statement.where(columns.reason == reason)
        if after is not None:
            millis, key = after
            statement = statement.where(
                or_(columns.ingest_millis > millis, and_(columns.ingest_millis == millis, columns.rejection_key > key))
            )
        return self._database.read(
            lambda connection: [QuarantinedEvent(*row) for row in connection.execute(statement.limit(limit))]
        )
