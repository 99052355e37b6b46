"""Rows as the log's storage takes them, and what it holds of them."""

from sqlalchemy import Table, func, select

from services.common.database import Database
from services.events.storage.log_reader import LogReader
from services.events.storage.operations import AppendOutcome, EraseVisitor, SetRefusal
from services.events.storage.records import NewEvent, NewPage, NewRejection

PARTITIONS = 4
STORED, DUPLICATE, REFUSED = AppendOutcome.STORED, AppendOutcome.DUPLICATE, AppendOutcome.REFUSED
ANNA, BERT = b"anna".ljust(16), b"bert".ljust(16)


def event(name: str, partition: int = 0, visitor: bytes = ANNA, millis: int = 0, ingest_millis: int = 7) -> NewEvent:
    return NewEvent(partition, name.encode().ljust(16), visitor, millis, ingest_millis, name.encode(), None)


def rejection(name: str, visitor: bytes | None = ANNA, ingest_millis: int = 7) -> NewRejection:
    return NewRejection(
        name.encode().ljust(16), visitor, ingest_millis, "BAD", "field", "is bad; mend it", name.encode()
    )


def page(name: str, millis: int = 0, visitor: bytes = ANNA) -> NewPage:
    return NewPage(name.encode().ljust(16), visitor, millis, name.encode())


def erasure(request: str | None = None, receipt: str = "r1", visitor: bytes = ANNA) -> EraseVisitor:
    return EraseVisitor(visitor, 0, (request or receipt).encode().ljust(16), receipt, 99)


def refusal(*, refused: bool = True, visitor: bytes = ANNA) -> SetRefusal:
    return SetRefusal(visitor, 0, refused=refused)


def offsets(database: Database, partition: int = 0) -> list[int]:
    """The offsets that a partition holds, from its oldest to its end."""
    reader = LogReader(database)
    start, end = reader.bounds()[partition]
    return [each.offset for each in reader.read(partition, start, end)]


def count(database: Database, table: Table) -> int:
    with database.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0
