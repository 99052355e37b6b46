"""Fixed-size keys of opaque ids: 16 bytes index and compare alike in every store, whatever its collations."""

import hashlib
from typing import Final

DIGEST_BYTES: Final = 16


def visitor_digest(visitor_key: str) -> bytes:
    """Returns the key under which a visitor's events and pages are found."""
    return _digest(b"vitrine-visitor", visitor_key.encode())


def event_digest(visitor_key: str, event_id: str) -> bytes:
    """Returns the key that makes an event unique: its id, among its visitor's events.

    The visitor is part of it for two reasons. Clients that number their events themselves ("1", "2", …) cannot silence
    each other; and since a visitor has one partition, two writers of the same event meet at that partition's head row.
    """
    return _digest(b"vitrine-event", f"{visitor_key}\0{event_id}".encode())


def page_digest(page_id: str) -> bytes:
    """Returns the key of a logged page."""
    return _digest(b"vitrine-page", page_id.encode())


def rejection_digest(reason: str, payload: bytes) -> bytes:
    """Returns the key of a quarantined event: the same one, sent again and again, is kept once."""
    return _digest(b"vitrine-reject", reason.encode() + b"\0" + payload)


def reason_digest(reason: str) -> bytes:
    """Returns the key of the list of what was quarantined for a reason; of all for the empty one."""
    return _digest(b"vitrine-reason", reason.encode())


def _digest(person: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES, person=person).digest()
