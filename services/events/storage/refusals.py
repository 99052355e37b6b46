"""Visitors of whom nothing may be kept."""

from collections.abc import Set

from sqlalchemy import Connection, delete, insert, select

from services.events.storage.bulk import existing_keys
from services.events.storage.erasure import erase_rows
from services.events.storage.operations import SetRefusal
from services.events.storage.tables import refusals


def refused_visitors(connection: Connection, visitor_keys: Set[bytes]) -> set[bytes]:
    """Returns those of the visitors of whom nothing may be kept.

    Asked while the heads of their partitions are held: a refusal takes the head too, and nothing slips in beside it.
    """
    if connection.execute(select(refusals.c.visitor_key).limit(1)).first() is None:
        return set()  # in most shops, most of the time
    return existing_keys(connection, refusals.c.visitor_key, sorted(visitor_keys))


def set_refusal(connection: Connection, operation: SetRefusal) -> int:
    """Notes a refusal, and erases what is kept; or takes note that it is over. Returns how many rows were erased."""
    connection.execute(delete(refusals).where(refusals.c.visitor_key == operation.visitor_key))
    if not operation.refused:
        return 0
    connection.execute(insert(refusals).values(visitor_key=operation.visitor_key))
    return sum(erase_rows(connection, operation.visitor_key))
