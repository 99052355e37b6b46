from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import mysql, sqlite


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, keep: bool = False) -> None:
    """Inserts rows, or replaces those of the same primary key, or keeps these; each row names all columns."""
    if not rows:
        return
    keys = {column.name for column in table.primary_key}
    # Setting a key to what it is keeps a row.
    others = [column.name for column in table.columns if (column.name in keys) == keep]
    if connection.dialect.name == "sqlite":
        insert = sqlite.insert(table)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=list(keys), set_={name: insert.excluded[name] for name in others}
            ),
            rows,
        )
    else:
        insert_mysql = mysql.insert(table)
        connection.execute(
            insert_mysql.on_duplicate_key_update({name: insert_mysql.inserted[name] for name in others}), rows
        )
