"""What the users' part asks its database."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from services.features.store.tables import ATTRIBUTE_TYPES, MERGES, USERS
from services.features.store.versioned_record import VersionedRecord, times_from_bytes, times_to_bytes
from services.features.users.user_plan import KnownUser
from vitrine.common.v1.visitor_pb2 import CONSENT_ESSENTIAL, CONSENT_NONE
from vitrine.features.v1.user_pb2 import User


def read_users(connection: Connection, keys: Sequence[str]) -> dict[str, KnownUser]:
    """Returns those of the users of whom the shop said something, by key."""
    rows = connection.execute(select(USERS).where(USERS.c.visitor_key.in_(keys))) if keys else ()
    return {row.visitor_key: _known(row) for row in rows}


def read_types(connection: Connection) -> dict[str, str]:
    """Returns the type of each attribute that ever had a value."""
    return {row.name: row.type for row in connection.execute(select(ATTRIBUTE_TYPES))}


def read_aliases(connection: Connection, keys: Sequence[str] | None = None) -> dict[str, str]:
    """Returns for each anonymous visitor, or each of some, who was merged the user's key."""
    merges = select(MERGES) if keys is None else select(MERGES).where(MERGES.c.anonymous_key.in_(keys))
    return {row.anonymous_key: row.user_key for row in connection.execute(merges)}


def read_restricted(connection: Connection, keys: Sequence[str] | None = None) -> set[str]:
    """Returns the keys of those, of all or of some, who do not allow anything personal to be kept."""
    restricted = select(USERS.c.visitor_key).where(USERS.c.consent.in_([int(CONSENT_NONE), int(CONSENT_ESSENTIAL)]))
    return set(connection.scalars(restricted if keys is None else restricted.where(USERS.c.visitor_key.in_(keys))))


def user_row(key: str, known: KnownUser) -> dict[str, Any]:
    """Returns the row of the table `users`."""
    return {
        "visitor_key": key,
        "update_micros": known.micros,
        "field_times": times_to_bytes(known.field_times),
        "consent": int(known.message.consent),
        "payload": known.message.SerializeToString(),
    }


def _known(row: Row[Any]) -> KnownUser:
    return VersionedRecord(User.FromString(row.payload), row.update_micros, times_from_bytes(row.field_times))
