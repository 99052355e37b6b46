from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, and_, or_, select

from services.common.database import Database
from services.events.storage.quarantine_reader import QuarantinedEvent
from services.events.storage.records import StoredEvent
from services.events.storage.tables import STORED_EVENT, events, pages, quarantine


class UserEvent(NamedTuple):
    """An event of a visitor, with the time it's listed by."""

    event_millis: int
    stored: StoredEvent


class UserPage(NamedTuple):
    """A page served to a visitor. `payload` is the serialized PageRecord."""

    serve_millis: int
    page_key: bytes
    payload: bytes


class UserReader:
    """Reads what the log holds about one visitor, page by page. Blocks: call it off the event loop.

    `visitor_key` is the visitor's digest; `after` is where the previous page ended.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def events(self, visitor_key: bytes, limit: int, after: tuple[int, int] | None = None) -> list[UserEvent]:
        """Returns events by time, newest first; `after` is (event_millis, offset)."""
        statement = (
            select(events.c.event_millis, *STORED_EVENT)
            .where(events.c.visitor_key == visitor_key, _older(events, "event_millis", "log_offset", after))
            .order_by(events.c.event_millis.desc(), events.c.log_offset.desc())
            .limit(limit)
        )
        return self._database.read(
            lambda connection: [
                UserEvent(millis, StoredEvent(*place)) for millis, *place in connection.execute(statement)
            ]
        )

    def pages(self, visitor_key: bytes, limit: int, after: tuple[int, bytes] | None = None) -> list[UserPage]:
        """Returns pages by time, newest first; `after` is (serve_millis, page_key)."""
        statement = (
            select(pages.c.serve_millis, pages.c.page_key, pages.c.payload)
            .where(pages.c.visitor_key == visitor_key, _older(pages, "serve_millis", "page_key", after))
            .order_by(pages.c.serve_millis.desc(), pages.c.page_key.desc())
            .limit(limit)
        )
        return self._database.read(lambda connection: [UserPage(*row) for row in connection.execute(statement)])

    def rejections(self, visitor_key: bytes, limit: int, after: bytes | None = None) -> list[QuarantinedEvent]:
        """Returns quarantined events by key; `after` is the last key."""
        statement = (
            select(
                quarantine.c.rejection_key,
                quarantine.c.ingest_millis,
                quarantine.c.reason,
                quarantine.c.field,
                quarantine.c.description,
                quarantine.c.payload,
            )
            .where(quarantine.c.visitor_key == visitor_key, quarantine.c.rejection_key > (after or b""))
            .order_by(quarantine.c.rejection_key)
            .limit(limit)
        )
        return self._database.read(lambda connection: [QuarantinedEvent(*row) for row in connection.execute(statement)])


def _older(table: Table, first: str, second: str, after: tuple[int, object] | None) -> ColumnElement[bool]:
    """The rows after `after` in the order of (first, second), both descending."""
    if after is None:
        return and_(True)
    return or_(table.c[first] < after[0], and_(table.c[first] == after[0], table.c[second] < after[1]))
