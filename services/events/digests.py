"""Fixed-size keys of opaque ids: 16 bytes that every store indexes and compares alike, whatever its collations."""

import hashlib
from typing import Final

DIGEST_BYTES: Final = 16


def visitor_digest(visitor_key: str) -> bytes:
    """Returns the key under which a visitor's events and pages are found."""
    return _digest(b"vitrine-visitor", visitor_key.encode())


def event_digest(visitor_key: str, event_id: str) -> bytes:
    """Returns the key that identifies an event: its id among its visitor's events.

    The visitor is part of it for two reasons. Clients that number their events themselves ("1", "2", …) can't suppress
    each other's. And since a visitor has one partition, two writers of the same event meet at its head row.
    """
    return _digest(b"vitrine-event", f"{visitor_key}\0{event_id}".encode())


def page_digest(page_id: str) -> bytes:
    """Returns the key of a logged page."""
    return _digest(b"vitrine-page", page_id.encode())


def rejection_digest(reason: str, payload: bytes) -> bytes:
    """Returns the key of a quarantined event: however often it's sent, it's kept once."""
    return _digest(b"vitrine-reject", reason.encode() + b"\0" + payload)


def reason_digest(reason: str) -> bytes:
    """Returns the list key of the events quarantined for a reason, or of all of them if it's empty."""
    return _digest(b"vitrine-reason", reason.encode())


def _digest(person: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES, person=person).digest()
