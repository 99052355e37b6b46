import hashlib
import struct
from typing import Final

from services.common.validation import identifier_fault
from services.common.visitors import anonymous_key, partition_of, user_key
from services.events.cleaning.attributor import MAX_TOKEN_BYTES, Attributor
from services.events.cleaning.currencies import Currencies
from services.events.cleaning.event_clock import EventClock
from services.events.cleaning.event_fields import Fault, find_fault
from services.events.cleaning.flagging import Flagger
from services.events.digests import event_digest, rejection_digest, visitor_digest
from services.events.storage.records import NewEvent, NewRejection
from vitrine.events.v1.event_pb2 import Event, EventType

# The limits of all fields add up to less; a larger event has fields that aren't in the contract.
MAX_EVENT_BYTES: Final = 64 * 1024

DERIVED_PREFIX: Final = "derived-"
_WITH_QUANTITY: Final = frozenset(
    {
        EventType.EVENT_TYPE_ADD_TO_CART,
        EventType.EVENT_TYPE_REMOVE_FROM_CART,
        EventType.EVENT_TYPE_PURCHASE,
        EventType.EVENT_TYPE_REFUND,
    }
)


class EventCleaner:
    """Turns an event as it was sent into one for the log, or finds its fault."""

    def __init__(self, partitions: int, attributor: Attributor, currencies: Currencies, flagger: Flagger) -> None:
        self._partitions = partitions
        self._attributor = attributor
        self._currencies = currencies
        self._flagger = flagger

    def clean(self, event: Event, clock: EventClock) -> NewEvent | Fault:
        """Checks `event` and completes it in place: sets id, time and quantity, and converts the price to the shop's
        currency. With a fault, it stays as it was sent.
        """
        fault = find_fault(event) or clock.find_fault(event) or self._currencies.find_fault(event) or _size(event)
        if fault is not None:
            return fault
        visitor = event.visitor
        key = user_key(visitor.user_id) if visitor.user_id else anonymous_key(visitor.anonymous_id)
        millis = self._complete(event, key, clock)
        attribution = None
        if event.tracking_token:
            attribution = self._attributor.attribute(event.tracking_token, clock.ingest_millis)
            if len(event.tracking_token) > MAX_TOKEN_BYTES:
                event.tracking_token = ""
        visitor_key, event_key = visitor_digest(key), event_digest(key, event.event_id)
        return NewEvent(
            partition_of(key, self._partitions),
            event_key,
            visitor_key,
            millis,
            clock.ingest_millis,
            event.SerializeToString(),
            attribution,
            self._flagger.flags(event, visitor_key, event_key, millis),
        )

    def _complete(self, event: Event, visitor_key: str, clock: EventClock) -> int:
        """Completes the event; returns its time. A derived id uses the time as it was sent, if there is one."""
        if event.event_id:
            millis = clock.settle(event)
        elif event.HasField("event_time"):
            event.event_id = derived_event_id(event, visitor_key)
            millis = clock.settle(event)
        else:
            millis = clock.settle(event)
            event.event_id = derived_event_id(event, visitor_key)
        if event.type not in _WITH_QUANTITY or not event.HasField("quantity"):
            event.quantity = 1.0
        self._currencies.settle(event)
        return millis


def rejection(event: Event, fault: Fault, ingest_millis: int) -> NewRejection:
    """Returns the quarantine record of an invalid event. Its visitor can still have it erased.

    If the event is too large, only its ids and time are kept.
    """
    visitor = event.visitor
    key = None
    if visitor.user_id or visitor.anonymous_id:
        key = visitor_digest(user_key(visitor.user_id) if visitor.user_id else anonymous_key(visitor.anonymous_id))
    payload = event.SerializeToString(deterministic=True)
    if len(payload) > MAX_EVENT_BYTES:
        payload = _essence(event).SerializeToString(deterministic=True)
    return NewRejection(
        rejection_digest(fault.reason, payload),
        key,
        ingest_millis,
        fault.reason,
        fault.field,
        fault.description,
        payload,
    )


def derived_event_id(event: Event, visitor_key: str) -> str:
    """Returns the id of an event without one: the same for the same visitor, type, target, time and order.

    The time is the client's, as sent. Without one, it's the arrival time: equal events of one batch share an id (a
    double send), and those of two calls don't.
    """
    subject = event.subject
    texts = (visitor_key, event.item_id, subject.subject_id, event.search_text, event.order_id)
    time = event.event_time
    parts = [struct.pack("<iiqi", event.type, subject.kind, time.seconds, time.nanos)]
    for text in texts:
        encoded = text.encode()
        parts += (struct.pack("<I", len(encoded)), encoded)
    return DERIVED_PREFIX + hashlib.blake2b(b"".join(parts), digest_size=16, person=b"vitrine-derived").hexdigest()


def _size(event: Event) -> Fault | None:
    size = event.ByteSize()
    if size <= MAX_EVENT_BYTES:
        return None
    return Fault(
        "EVENT_TOO_LARGE",
        "",
        f"the event has {size:,} bytes; send at most {MAX_EVENT_BYTES:,}, and only fields that are in the contract",
    )


def _essence(event: Event) -> Event:
    """Returns the ids and time of an event that is too large. It has no type, so that a replay never accepts it."""
    essence = Event()
    if event.HasField("event_time"):
        essence.event_time.CopyFrom(event.event_time)
    visitor = event.visitor
    if visitor.user_id and identifier_fault(visitor.user_id) is None:
        essence.visitor.user_id = visitor.user_id
    if visitor.anonymous_id and identifier_fault(visitor.anonymous_id) is None:
        essence.visitor.anonymous_id = visitor.anonymous_id
    if identifier_fault(event.event_id) is None:
        essence.event_id = event.event_id
    if identifier_fault(event.item_id) is None:
        essence.item_id = event.item_id
    return essence
