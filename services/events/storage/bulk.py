"""Many rows per statement, on the paths that every event takes.

`executemany` enters the driver once per row, and sqlite3 releases the interpreter lock each time: next to a busy event
loop, every row may wait for its turn. One statement with many rows runs in one go, off the lock, on a core of its own.
A statement's text depends only on its number of rows, of which there are few: the drivers' caches hold them all.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any, Final

from sqlalchemy import Column, Connection, Dialect, Table, delete

# 512 rows of 9 columns stay far below SQLite's 32,766 variables.
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
# MariaDB accepts statements of up to 16 MiB, in which a byte may take two characters.
_STATEMENT_BYTES: Final = 4 * 1024 * 1024
_PAYLOAD: Final = "payload"


def insert_rows(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Inserts `rows`, whose values are in the order of the table's columns."""
    payload = next((place for place, column in enumerate(table.columns) if column.name == _PAYLOAD), None)
    start = 0
    while start < len(rows):
        size = next(size for size in reversed(_SIZES) if size <= len(rows) - start)
        if payload is not None:
            size = _affordable([len(row[payload]) for row in rows[start : start + size]])
        values = tuple(chain.from_iterable(rows[start : start + size]))
        connection.exec_driver_sql(_insert(connection.dialect, table, size), values)
        start += size


def _affordable(sizes: Sequence[int]) -> int:
    """Returns how many of the first rows fit into one statement (one of `_SIZES`), given their payload sizes."""
    if sum(sizes) <= _STATEMENT_BYTES:
        return len(sizes)
    fitting = bisect_right(list(accumulate(sizes)), _STATEMENT_BYTES)
    return max(size for size in _SIZES if size <= max(1, fitting))


def existing_keys(connection: Connection, column: Column[bytes], keys: Sequence[bytes]) -> set[bytes]:
    """Returns those of `keys` that are in `column`."""
    found: set[bytes] = set()
    for start in range(0, len(keys), _SIZES[-1]):
        chunk = tuple(keys[start : start + _SIZES[-1]])
        size = next(size for size in _SIZES if size >= len(chunk))
        padded = chunk + chunk[-1:] * (size - len(chunk))
        found.update(connection.exec_driver_sql(_select(connection.dialect, column, size), padded).scalars())
    return found


def delete_keys(connection: Connection, column: Column[bytes], keys: Sequence[bytes]) -> None:
    """Deletes the rows of `keys`."""
    for start in range(0, len(keys), _SIZES[-1]):
        connection.execute(delete(column.table).where(column.in_(keys[start : start + _SIZES[-1]])))


def marks(dialect: Dialect, count: int) -> str:
    """Returns `count` placeholders, in the driver's style."""
    return ", ".join(["?" if dialect.paramstyle == "qmark" else "%s"] * count)


@lru_cache(maxsize=64)
def _insert(dialect: Dialect, table: Table, rows: int) -> str:
    quote = dialect.identifier_preparer
    names = ", ".join(quote.format_column(column) for column in table.columns)
    row = f"({marks(dialect, len(table.columns))})"
    return f"INSERT INTO {quote.format_table(table)} ({names}) VALUES {', '.join([row] * rows)}"  # noqa: S608  # our own


@lru_cache(maxsize=64)
def _select(dialect: Dialect, column: Column[bytes], keys: int) -> str:
    quote = dialect.identifier_preparer
    name, table = quote.format_column(column), quote.format_table(column.table)
    return f"SELECT {name} FROM {table} WHERE {name} IN ({marks(dialect, keys)})"  # noqa: S608  # our own names
