"""Rows of the log's tables."""

from typing import NamedTuple


class NewEvent(NamedTuple):
    """A valid event; the inserting transaction assigns its offset."""

    partition: int
    event_key: bytes
    visitor_key: bytes
    event_millis: int
    ingest_millis: int
    payload: bytes
    """The serialized, cleaned Event."""
    attribution: bytes | None
    """The serialized Attribution."""
    flags: int = 0
    """EventFlag bits."""


class NewRejection(NamedTuple):
    """An invalid event as it was sent, with the reason."""

    rejection_key: bytes
    visitor_key: bytes | None
    ingest_millis: int
    reason: str
    field: str
    description: str
    payload: bytes
    """The serialized Event, as sent."""


class NewPage(NamedTuple):
    """A page to log."""

    page_key: bytes
    visitor_key: bytes
    serve_millis: int
    payload: bytes
    """The serialized PageRecord."""


class StoredEvent(NamedTuple):
    """A stored event. `payload` is None if it was erased."""

    partition: int
    offset: int
    ingest_millis: int
    payload: bytes | None
    attribution: bytes | None
    flags: int = 0


class Receipt(NamedTuple):
    """The result of an erasure."""

    receipt_id: str
    events: int
    pages: int
    rejections: int
    delete_millis: int
