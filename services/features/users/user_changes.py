"""Which users changed, by version of their head: what tells other processes to read them again."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from services.features.store.heads import USERS, lock_head, move_head
from services.features.store.tables import USER_CHANGES

KEPT_MILLIS: Final = 60_000
"""A process that is further behind reads everything again; and an erased user's key is not kept for long."""


def begin(connection: Connection) -> int:
    """Makes this transaction the only one that changes users; returns the version of what it finds."""
    return lock_head(connection, USERS)


def note(connection: Connection, version: int, keys: Iterable[str], millis: int) -> int:
    """Notes that users changed in this transaction, which found `version`; returns the version that it makes."""
    rows = [
        {"version": version + place, "visitor_key": key, "change_millis": millis} for place, key in enumerate(keys, 1)
    ]
    if not rows:
        return version
    connection.execute(delete(USER_CHANGES).where(USER_CHANGES.c.change_millis < millis - KEPT_MILLIS))
    connection.execute(insert(USER_CHANGES), rows)
    move_head(connection, USERS, version + len(rows))
    return version + len(rows)


def read(connection: Connection, after_version: int) -> list[str] | None:
    """Returns the users that changed after a version; None: that is not known any more."""
    changes = select(USER_CHANGES).where(USER_CHANGES.c.version > after_version).order_by(USER_CHANGES.c.version)
    rows = connection.execute(changes).all()
    return [row.visitor_key for row in rows] if rows and rows[0].version == after_version + 1 else None
