"""Erases visitors, and knows those about whom nothing may be kept."""

from collections.abc import Set

from sqlalchemy import Connection, delete, insert, null, select, update

from services.events.storage.bulk import existing_keys
from services.events.storage.operations import EraseVisitor, SetRefusal
from services.events.storage.records import Receipt
from services.events.storage.tables import erasures, events, pages, quarantine, refusals


def erase_visitor(connection: Connection, operation: EraseVisitor) -> Receipt:
    """Erases everything that is kept of a visitor, and writes the receipt.

    The head row of the visitor's partition is locked: two erasures of one request meet there, and no event slips in.
    """
    if receipt := _earlier(connection, operation.erasure_key):
        return receipt
    receipt = Receipt(operation.receipt_id, *erase_rows(connection, operation.visitor_key), operation.delete_millis)
    connection.execute(
        insert(erasures).values(
            receipt_id=receipt.receipt_id,
            erasure_key=operation.erasure_key,
            event_count=receipt.events,
            page_count=receipt.pages,
            rejection_count=receipt.rejections,
            delete_millis=receipt.delete_millis,
        )
    )
    return receipt


def erase_rows(connection: Connection, visitor_key: bytes) -> tuple[int, int, int]:
    """Erases a visitor's events, pages and quarantined events; returns how many of each.

    Events keep their offsets, which stay contiguous, and their keys, so that a late retry stays a duplicate.
    """
    erased_events = connection.execute(
        update(events)
        .where(events.c.visitor_key == visitor_key)
        .values(visitor_key=null(), payload=null(), attribution=null(), event_millis=0, flags=0)
    ).rowcount
    erased_pages = connection.execute(delete(pages).where(pages.c.visitor_key == visitor_key)).rowcount
    erased_rejections = connection.execute(delete(quarantine).where(quarantine.c.visitor_key == visitor_key)).rowcount
    return erased_events, erased_pages, erased_rejections


def _earlier(connection: Connection, erasure_key: bytes) -> Receipt | None:
    row = connection.execute(
        select(
            erasures.c.receipt_id,
            erasures.c.event_count,
            erasures.c.page_count,
            erasures.c.rejection_count,
            erasures.c.delete_millis,
        ).where(erasures.c.erasure_key == erasure_key)
    ).one_or_none()
    return None if row is None else Receipt(*row)


def refused_visitors(connection: Connection, visitor_keys: Set[bytes]) -> set[bytes]:
    """Returns the visitors about whom nothing may be kept.

    Call it while the head rows of their partitions are locked: a refusal locks the head row too.
    """
    if connection.execute(select(refusals.c.visitor_key).limit(1)).first() is None:
        return set()  # most shops, most of the time
    return existing_keys(connection, refusals.c.visitor_key, sorted(visitor_keys))


def set_refusal(connection: Connection, operation: SetRefusal) -> int:
    """Stores a refusal and erases what is kept, or removes the refusal. Returns the number of erased rows."""
    connection.execute(delete(refusals).where(refusals.c.visitor_key == operation.visitor_key))
    if not operation.refused:
        return 0
    connection.execute(insert(refusals).values(visitor_key=operation.visitor_key))
    return sum(erase_rows(connection, operation.visitor_key))
