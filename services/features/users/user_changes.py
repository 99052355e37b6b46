"""Which users changed, by version of their head: what tells other processes to read them again."""

from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from services.features.store.heads import USERS, lock_head, move_head
from services.features.store.tables import USER_CHANGES

KEPT_MILLIS: Final = 60_000
"""A process that is further behind reads everything again."""


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


def forget(connection: Connection, version: int, keys: Collection[str]) -> int:
    """Notes a change that names nobody, for users who are erased, and takes away what named them; returns the version
    that it makes. Other processes find a version missing and read everything again.
    """
    connection.execute(delete(USER_CHANGES).where(USER_CHANGES.c.visitor_key.in_(keys)))
    move_head(connection, USERS, version + 1)
    return version + 1


def read(connection: Connection, after_version: int, head: int) -> list[str] | None:
    """Returns the users that changed after a version up to the head's; None: not all of them are known."""
    changes = select(USER_CHANGES.c.visitor_key).where(USER_CHANGES.c.version > after_version)
    keys = list(connection.scalars(changes))
    return keys if len(keys) == head - after_version else None
