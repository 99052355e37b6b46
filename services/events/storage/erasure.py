from sqlalchemy import Connection, delete, insert, null, select, update

from services.events.storage.operations import EraseVisitor
from services.events.storage.records import Receipt
from services.events.storage.tables import erasures, events, pages, quarantine


def erase_visitor(connection: Connection, operation: EraseVisitor) -> Receipt:
    """Erases all that is kept of a visitor, and writes the receipt.

    The head row of the visitor's partition is held: two erasures of one request meet there, and no event slips in.
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

    Events keep their places, so that offsets stay contiguous, and their keys, so that a late retry stays a duplicate.
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
