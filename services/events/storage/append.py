from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from services.events.storage.bulk import delete_keys, existing_keys, insert_rows
from services.events.storage.erasure import refused_visitors
from services.events.storage.operations import AppendEvents, AppendOutcome, AppendPages
from services.events.storage.partition_heads import advance_heads
from services.events.storage.records import NewPage, NewRejection
from services.events.storage.tables import events, pages, quarantine


def append_events(
    connection: Connection, batches: Sequence[AppendEvents], held: Mapping[int, int]
) -> list[list[AppendOutcome]]:
    """Appends the events of all batches; returns the outcome of each event of each batch.

    An event's key belongs to one partition, whose head row is locked (`hold_heads`) from before the lookup to the
    commit: no other writer can add the same event in between, and offsets are committed in the order in which they're
    given. `held` has the next offset of each partition.
    """
    released = [key for batch in batches for key in batch.released]
    quarantined = existing_keys(connection, quarantine.c.rejection_key, released)
    known = existing_keys(
        connection, events.c.event_key, [event.event_key for batch in batches for event in batch.events]
    )
    visitors = {event.visitor_key for batch in batches for event in batch.events}
    visitors |= {each.visitor_key for batch in batches for each in batch.rejections if each.visitor_key}
    refused = refused_visitors(connection, visitors)
    offsets = dict(held)
    rows: list[tuple[object, ...]] = []
    results: list[list[AppendOutcome]] = []
    for batch in batches:
        outcomes: list[AppendOutcome] = []
        for index, event in enumerate(batch.events):
            key = event.event_key
            if event.visitor_key in refused:
                outcomes.append(AppendOutcome.REFUSED)
                continue
            if key in known or (batch.released and batch.released[index] not in quarantined):
                outcomes.append(AppendOutcome.DUPLICATE)
                continue
            known.add(key)
            partition = event.partition
            offset = offsets[partition]
            offsets[partition] = offset + 1
            rows.append((partition, offset, *event[1:]))
            outcomes.append(AppendOutcome.STORED)
        results.append(outcomes)
    insert_rows(connection, events, rows)
    advance_heads(connection, {each: end for each, end in offsets.items() if end != held[each]})
    delete_keys(connection, quarantine.c.rejection_key, released)
    rejections = [each for batch in batches for each in batch.rejections if each.visitor_key not in refused]
    _append_rejections(connection, rejections)
    return results


def append_pages(connection: Connection, batches: Sequence[AppendPages]) -> list[int]:
    """Logs the pages of all batches; returns for each batch how many were new."""
    known = existing_keys(connection, pages.c.page_key, [page.page_key for batch in batches for page in batch.pages])
    refused = refused_visitors(connection, {page.visitor_key for batch in batches for page in batch.pages})
    rows: list[NewPage] = []
    counts: list[int] = []
    for batch in batches:
        before = len(rows)
        for page in batch.pages:
            if page.page_key not in known and page.visitor_key not in refused:
                known.add(page.page_key)
                rows.append(page)
        counts.append(len(rows) - before)
    insert_rows(connection, pages, rows)
    return counts


def _append_rejections(connection: Connection, rejections: Sequence[NewRejection]) -> None:
    new = {each.rejection_key: each for each in rejections}
    known = existing_keys(connection, quarantine.c.rejection_key, list(new))
    insert_rows(connection, quarantine, [row for key, row in new.items() if key not in known])
