from typing import Final

from services.common.visitors import anonymous_key, partition_of, user_key
from services.events.cleaning.attributor import MAX_TOKEN_BYTES, Attributor
from services.events.cleaning.derived_id import derived_event_id
from services.events.cleaning.event_clock import EventClock
from services.events.cleaning.event_fields import find_fault
from services.events.cleaning.fault import Fault
from services.events.digests import event_digest, rejection_digest, visitor_digest
from services.events.storage.records import NewEvent, NewRejection
from vitrine.events.v1.event_pb2 import Event, EventType

_WITH_QUANTITY: Final = frozenset(
    {
        EventType.EVENT_TYPE_ADD_TO_CART,
        EventType.EVENT_TYPE_REMOVE_FROM_CART,
        EventType.EVENT_TYPE_PURCHASE,
        EventType.EVENT_TYPE_REFUND,
    }
)


class EventCleaner:
    """Makes of an event as it was sent one that is fit for the log, or says why it is not."""

    def __init__(self, partitions: int, attributor: Attributor) -> None:
        self._partitions = partitions
        self._attributor = attributor

    def clean(self, event: Event, clock: EventClock) -> NewEvent | Fault:
        """Checks `event` and completes it in place: id, time and quantity are set, the currency is in capitals.

        A fault leaves it as it was sent.
        """
        fault = find_fault(event) or clock.find_fault(event)
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
        return NewEvent(
            partition_of(key, self._partitions),
            event_digest(key, event.event_id),
            visitor_digest(key),
            millis,
            clock.ingest_millis,
            event.SerializeToString(),
            attribution,
        )

    @staticmethod
    def _complete(event: Event, visitor_key: str, clock: EventClock) -> int:
        """Sets what is missing; returns the event's time. A derived id is of the time as sent, where one was sent."""
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
        if event.currency_code:
            event.currency_code = event.currency_code.upper()
        return millis


def rejection(event: Event, fault: Fault, ingest_millis: int) -> NewRejection:
    """Returns the quarantine's record of an event that was found unfit. Its visitor can still have it erased."""
    visitor = event.visitor
    key = None
    if visitor.user_id or visitor.anonymous_id:
        key = visitor_digest(user_key(visitor.user_id) if visitor.user_id else anonymous_key(visitor.anonymous_id))
    payload = event.SerializeToString(deterministic=True)
    return NewRejection(
        rejection_digest(fault.reason, payload),
        key,
        ingest_millis,
        fault.reason,
        fault.field,
        fault.description,
        payload,
    )
