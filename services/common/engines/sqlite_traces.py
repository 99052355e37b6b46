"""What deleted rows leave in the bytes of an SQLite file, and how it goes.

`secure_delete` overwrites a row where it is deleted. It does not reach two kinds of copies: old pages in the
write-ahead log, and what a row left behind when its page was split and it moved to another. The first go with a
checkpoint that empties the log; the second when the file is written anew (VACUUM), which takes some 7 ms a megabyte, in
which nobody else writes. So a small file is written anew at once, and a large one when there is time.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine

AT_ONCE_BYTES: Final = 64 * 1024 * 1024
PATIENCE_MILLIS: Final = 1_000
_LEFT: Final = 1
"""The file's `user_version` while traces are left in it."""


def erase_traces(engine: Engine) -> bool:
    """Makes what was deleted go from the file too. Waits up to a second for whoever reads or writes.

    Returns False if traces are left, since the file is large or somebody used it: `erase_traces_left` sees to them.
    """
    with _patient(engine) as cursor:
        size = _value(cursor, "page_count") * _value(cursor, "page_size")
        return _erase(cursor, anew=size <= AT_ONCE_BYTES)


def erase_traces_left(engine: Engine) -> bool:
    """Makes go what `erase_traces` left, however large the file is; returns False if it could not."""
    with _patient(engine) as cursor:
        return _value(cursor, "user_version") != _LEFT or _erase(cursor, anew=True)


def _erase(cursor: Any, *, anew: bool) -> bool:
    try:
        # Noted first: whatever happens then, it is known that there are traces.
        cursor.execute(f"PRAGMA user_version={_LEFT}")
        if anew:
            # Beside the file, not in memory.
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
    """A cursor outside of any transaction that does not wait long for others."""
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
