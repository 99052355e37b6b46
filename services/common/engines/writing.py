"""How an engine knows, when a transaction begins, whether it is one that writes."""

from typing import Final

from sqlalchemy import Connection

WRITES: Final = "vitrine_write"


def writes(connection: Connection) -> bool:
    """Returns whether the connection was opened to write."""
    return bool(connection.get_execution_options().get(WRITES, False))
