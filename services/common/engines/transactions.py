"""How an engine knows which transactions write, and which failed ones may succeed if repeated."""

import random
import sqlite3
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

WRITES: Final = "vitrine_write"


def writes(connection: Connection) -> bool:
    """Returns whether the connection was opened to write."""
    return bool(connection.get_execution_options().get(WRITES, False))


# Pauses before each retry. A restart of the server takes longer: then callers get UNAVAILABLE, and retry.
RETRY_SECONDS: Final = (0.02, 0.1, 0.5)

_CODES: Final = frozenset(
    {
        1020,  # the row changed since it was read (MariaDB with snapshot isolation)
        1040,  # too many connections
        1053,  # the server shuts down
        1205,  # waited too long for a lock
        1213,  # deadlock
        1927,  # the connection was killed
        2002,  # cannot connect
        2003,  # the same, over TCP
        2006,  # the server has gone away
        2013,  # the connection was lost in a statement
        4031,  # the server closed an idle connection
    }
)
_MYSQL_DUPLICATE: Final = 1062
_SQLITE_DUPLICATES: Final = frozenset({sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE})


def is_transient(error: DBAPIError) -> bool:
    """Returns whether the same transaction may succeed if retried at once."""
    arguments = error.orig.args if error.orig is not None else ()
    return error.connection_invalidated or bool(arguments and arguments[0] in _CODES)


def is_duplicate(error: DBAPIError) -> bool:
    """Returns whether a row with the same key is there already: another transaction inserted it first."""
    if not isinstance(error, IntegrityError) or error.orig is None:
        return False
    if isinstance(error.orig, sqlite3.IntegrityError):
        return error.orig.sqlite_errorcode in _SQLITE_DUPLICATES
    return bool(error.orig.args) and error.orig.args[0] == _MYSQL_DUPLICATE


def jittered(seconds: float) -> float:
    """Returns 50 to 100 % of `seconds`, at random, so that colliding transactions don't collide again."""
    return seconds * random.uniform(0.5, 1.0)
