from typing import Protocol

from services.events.flagging.event_flag import EventFlag
from vitrine.events.v1.event_pb2 import Event


class FlagRule(Protocol):
    """One sign that an event is no shopper's. Runs for every event that comes in: cheap, and of bounded memory."""

    flag: EventFlag

    def holds(self, event: Event, visitor_key: bytes, event_key: bytes, event_millis: int) -> bool:
        """Returns whether the sign is there. The event is cleaned; the keys are digests. The same event, sent again,
        must not weigh twice.
        """
        ...
