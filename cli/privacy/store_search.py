from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, LargeBinary, MetaData, String, func, or_, select

from cli.privacy.marks import Marks, Trace
from services.common.column_types import OpaqueId
from services.common.database import Database
from services.events.digests import DIGEST_BYTES


def search_store(name: str, database: Database, metadata: MetaData, marks: Marks) -> Iterator[Trace]:
    """Yields what the tables of a store hold of a visitor: every column of every table is looked at."""
    with database.connect() as connection:
        for table in metadata.sorted_tables:
            for column in table.columns:
                if count := _count(connection, column, marks):
                    yield Trace(f"{name} store, {table.name}.{column.name}", count)


def _count(connection: Connection, column: Column[Any], marks: Marks) -> int:
    named = _names(column, marks)
    if named is None:
        return 0
    return connection.execute(select(func.count()).select_from(column.table).where(named)).scalar_one()


def _names(column: Column[Any], marks: Marks) -> ColumnElement[bool] | None:
    """Returns what is true of rows whose column names the visitor; None: a column of its type cannot."""
    if isinstance(column.type, OpaqueId | String):
        return column.in_(sorted(marks.words(column.name)))
    if isinstance(column.type, LargeBinary):
        if column.type.length == DIGEST_BYTES:
            return column == marks.digest
        return or_(func.instr(column, marks.message) > 0, func.instr(column, marks.digest) > 0)
    return None
