"""How processes that share the store learn of each other's changes: each kind of record has a version, its head.

A writer locks the head, first reads what others committed since it last looked, then decides, and moves the head in the
same transaction. So a decision is never based on stale data, and a reader that finds the head unmoved has missed
nothing.
"""

from typing import Final

from sqlalchemy import Connection, select, update

from services.features.store.tables import HEADS

CATALOG: Final = "catalog"
CATALOG_ARRIVALS: Final = "catalog_arrivals"
USERS: Final = "users"
STATISTICS: Final = "statistics"


def read_heads(connection: Connection) -> dict[str, int]:
    """Returns the version of each head."""
    return {row.name: row.version for row in connection.execute(select(HEADS))}


def read_head(connection: Connection, name: str) -> int:
    """Returns the version of one head."""
    return int(connection.execute(select(HEADS.c.version).where(HEADS.c.name == name)).scalar_one())


def lock_head(connection: Connection, name: str) -> int:
    """Returns the version of a head, which nobody else can lock before this transaction ends."""
    query = select(HEADS.c.version).where(HEADS.c.name == name).with_for_update()
    return int(connection.execute(query).scalar_one())


def move_head(connection: Connection, name: str, version: int) -> None:
    """Sets the version of a head that this transaction has locked."""
    connection.execute(update(HEADS).where(HEADS.c.name == name).values(version=version))
