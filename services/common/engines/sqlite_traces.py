"""Removes what deleted rows leave in the bytes of an SQLite file.

`secure_delete` overwrites a deleted row in place. It doesn't reach two kinds of copies: old pages in the write-ahead
log, and what a row left behind when its page was split and it moved to another. A checkpoint that empties the log
removes the first; rewriting the file (VACUUM) removes the second, which takes about 7 ms per megabyte and blocks other
writers. So a small file is rewritten at once, and a large one when there is time.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine

AT_ONCE_BYTES: Final = 64 * 1024 * 1024
PATIENCE_MILLIS: Final = 1_000
_LEFT: Final = 1
"""The file's `user_version` while it has traces."""


def erase_traces(engine: Engine) -> bool:
    """Removes deleted data from the file. Waits up to a second for readers and writers.

    Returns False if traces are left because the file is large or in use: `erase_traces_left` removes them.
    """
    with _patient(engine) as cursor:
        size = _value(cursor, "page_count") * _value(cursor, "page_size")
        return _erase(cursor, anew=size <= AT_ONCE_BYTES)


def erase_traces_left(engine: Engine) -> bool:
    """Removes what `erase_traces` left, however large the file is; returns False if it couldn't."""
    with _patient(engine) as cursor:
        return _value(cursor, "user_version") != _LEFT or _erase(cursor, anew=True)


def _erase(cursor: Any, *, anew: bool) -> bool:
    try:
        # Set first, so that traces are known whatever happens next.
        cursor.execute(f"PRAGMA user_version={_LEFT}")
        if anew:
            # On disk, not in memory.
            cursor.execute("PRAGMA temp_store=FILE")
            cursor.execute("VACUUM")
        if not anew or not _log_emptied(cursor):
            _log_emptied(cursor)
            return False
        cursor.execute("PRAGMA user_version=0")
    except sqlite3.OperationalError:  # locked, or the disk is full
        return False
    finally:
        cursor.execute("PRAGMA temp_store=MEMORY")
    return True


def _log_emptied(cursor: Any) -> bool:
    return not cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def _value(cursor: Any, name: str) -> int:
    return int(cursor.execute(f"PRAGMA {name}").fetchone()[0])


@contextmanager
def _patient(engine: Engine) -> Iterator[Any]:
    """A cursor outside any transaction that doesn't wait long for others."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        patience = _value(cursor, "busy_timeout")
        cursor.execute(f"PRAGMA busy_timeout={PATIENCE_MILLIS}")
        try:
            yield cursor
        finally:
            cursor.execute(f"PRAGMA busy_timeout={patience}")
    finally:
        connection.close()
