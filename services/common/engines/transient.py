"""Failures that pass: the engine gave a transaction up, or the connection was lost. The same work may be done again."""

import random
from typing import Final

from sqlalchemy.exc import DBAPIError

# Waits before each further try. A restart of the server takes longer: callers are told UNAVAILABLE and come back.
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


def is_transient(error: DBAPIError) -> bool:
    """Returns whether the same transaction may succeed when it is tried again at once."""
    arguments = error.orig.args if error.orig is not None else ()
    return error.connection_invalidated or bool(arguments and arguments[0] in _CODES)


def jittered(seconds: float) -> float:
    """Returns half to all of `seconds`, so that those who collided do not collide again."""
    return seconds * random.uniform(0.5, 1.0)
