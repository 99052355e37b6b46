"""Checks an event against the limits in the contract.

This runs for every event, so it reads each field once and creates no object unless something is wrong.
"""

import math
from typing import Final, NamedTuple

from services.common.validation import identifier_fault
from vitrine.events.v1.event_pb2 import Event, EventType, SubjectKind

MAX_QUANTITY: Final = 1_000_000.0
MAX_UNIT_PRICE: Final = 1e12
MAX_SEARCH_TEXT_BYTES: Final = 1024
MAX_CONTEXT_KEYS: Final = 32
MAX_CONTEXT_KEY_BYTES: Final = 64
MAX_CONTEXT_VALUE_BYTES: Final = 1024

_UNSPECIFIED: Final = EventType.EVENT_TYPE_UNSPECIFIED
_SEARCH: Final = EventType.EVENT_TYPE_SEARCH
_OF_SUBJECTS: Final = frozenset({EventType.EVENT_TYPE_FOLLOW, EventType.EVENT_TYPE_UNFOLLOW})
_TYPES: Final = frozenset(EventType.values())
_SUBJECT_KINDS: Final = frozenset(SubjectKind.values()) - {SubjectKind.SUBJECT_KIND_UNSPECIFIED}


class Fault(NamedTuple):
    """Why an event is rejected: a stable reason, the field, and a description with the remedy."""

    reason: str
    field: str
    description: str


def find_fault(event: Event) -> Fault | None:
    """Returns the first fault of `event`, or None. Times and currencies are up to `EventClock` and `Currencies`."""
    return (
        (_identifier("event_id", event.event_id) if event.event_id else None)
        or _visitor(event)
        or _target(event)
        or _amounts(event)
        or _texts(event)
        or (_context(event) if event.context else None)
    )


def _identifier(field: str, value: str) -> Fault | None:
    fault = identifier_fault(value)
    return None if fault is None else Fault(fault[0], field, f"{field} {fault[1]}")


def _visitor(event: Event) -> Fault | None:
    visitor = event.visitor
    user_id, anonymous_id = visitor.user_id, visitor.anonymous_id
    if not user_id and not anonymous_id:
        return Fault(
            "VISITOR_REQUIRED", "visitor", "visitor has no id; set user_id, or anonymous_id before the user signs in"
        )
    return (_identifier("visitor.user_id", user_id) if user_id else None) or (
        _identifier("visitor.anonymous_id", anonymous_id) if anonymous_id else None
    )


def _target(event: Event) -> Fault | None:
    kind, target = event.type, event.WhichOneof("target")
    if kind not in _TYPES or kind == _UNSPECIFIED:
        return Fault("TYPE_UNKNOWN", "type", f"type is {kind}; send a value of EventType, such as VIEW")
    if kind in _OF_SUBJECTS:
        return _subject(event, target)
    if kind == _SEARCH:
        if target is not None:
            return Fault("TARGET_MISMATCH", target, "a SEARCH has no target; send only search_text")
        return None
    if target == "subject":
        return Fault("TARGET_MISMATCH", "subject", f"{EventType.Name(kind)} needs an item; set item_id instead")
    return _identifier("item_id", event.item_id)


def _subject(event: Event, target: str | None) -> Fault | None:
    if target == "item_id":
        return Fault("TARGET_MISMATCH", "item_id", "FOLLOW and UNFOLLOW need a subject; set subject instead")
    if event.subject.kind not in _SUBJECT_KINDS:
        return Fault(
            "SUBJECT_KIND_UNKNOWN", "subject.kind", "subject.kind isn't set; send CREATOR, BRAND or TOPIC with its id"
        )
    return _identifier("subject.subject_id", event.subject.subject_id)


def _amounts(event: Event) -> Fault | None:
    if event.HasField("quantity"):
        quantity = event.quantity
        if not 0.0 < quantity <= MAX_QUANTITY:
            return _number("quantity", quantity, f"a number above 0 and at most {MAX_QUANTITY:,.0f}")
    if event.HasField("unit_price"):
        price = event.unit_price
        if not 0.0 <= price <= MAX_UNIT_PRICE:
            return _number("unit_price", price, f"a number from 0 to {MAX_UNIT_PRICE:g}")
    if event.HasField("watched_fraction"):
        fraction = event.watched_fraction
        if not 0.0 <= fraction <= 1.0:
            return _number("watched_fraction", fraction, "a number from 0 to 1")
    return None


def _number(field: str, value: float, allowed: str) -> Fault:
    reason = "OUT_OF_RANGE" if math.isfinite(value) else "NOT_FINITE"
    return Fault(reason, field, f"{field} is {value:g}; send {allowed}, or leave it out")


def _texts(event: Event) -> Fault | None:
    text, order_id = event.search_text, event.order_id
    if text:
        if _longer(text, MAX_SEARCH_TEXT_BYTES):
            return _too_long("search_text", text, MAX_SEARCH_TEXT_BYTES)
    elif event.type == _SEARCH:
        return Fault("SEARCH_TEXT_REQUIRED", "search_text", "search_text is empty; send the query that was typed")
    return _identifier("order_id", order_id) if order_id else None


def _context(event: Event) -> Fault | None:
    context = event.context
    if len(context) > MAX_CONTEXT_KEYS:
        return Fault(
            "TOO_MANY",
            "context",
            f"context has {len(context)} keys; send at most {MAX_CONTEXT_KEYS}",
        )
    for key, value in context.items():
        if _longer(key, MAX_CONTEXT_KEY_BYTES):
            return _too_long("context", key, MAX_CONTEXT_KEY_BYTES, "a key of context")
        if _longer(value, MAX_CONTEXT_VALUE_BYTES):
            return _too_long(f"context[{key}]", value, MAX_CONTEXT_VALUE_BYTES)
    return None


def _longer(text: str, limit: int) -> bool:
    # A character has at most 4 bytes: most texts needn't be encoded.
    return len(text) > limit // 4 and len(text.encode()) > limit


def _too_long(field: str, text: str, limit: int, name: str = "") -> Fault:
    size = len(text.encode())
    return Fault("TEXT_TOO_LONG", field, f"{name or field} has {size} bytes of UTF-8; send at most {limit:,}")
