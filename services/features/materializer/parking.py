from collections.abc import Collection, Mapping, Sequence
from typing import Final

from services.features.materializer.parked_events import ParkedEvent, Place, PoisonEventError, parked_event
from vitrine.events.v1.event_service_pb2 import LoggedEvent

STATE_UNREADABLE: Final = "StateUnreadable"
"""The reason for an event whose visitor's stored state was found to be unreadable before."""


class Parking:
    """Which events a worker passes over, and which of these it has still to write down. Belongs to the event loop.

    An event is written down in the transaction that moves the saved offset past it: so it's either applied or parked.
    """

    def __init__(self) -> None:
        self._planned: dict[Place, ParkedEvent] = {}
        self._passed: dict[Place, ParkedEvent] = {}
        self._unreadable: set[str] = set()
        self._saved_count = 0

    def plan(self, poison: PoisonEventError, attempts: int, millis: int) -> None:
        """Has an event passed over when it's read again."""
        event = poison.event
        parked = parked_event(event, poison.visitor_key, poison.reason, attempts, millis)
        self._planned[event.partition, event.offset] = parked
        if poison.unreadable:
            self._unreadable.add(poison.visitor_key)

    def passes(self, event: LoggedEvent, key: str, millis: int) -> bool:
        """Returns whether to pass over an event of the visitor `key`, and takes note of it."""
        place = event.partition, event.offset
        parked = self._planned.get(place)
        if parked is None and key in self._unreadable:
            parked = parked_event(event, key, STATE_UNREADABLE, 1, millis)
        if parked is not None:
            self._passed[place] = parked
        return parked is not None

    def due(self, offsets: Mapping[int, int]) -> list[ParkedEvent]:
        """Returns what to write down together with `offsets`, the ones of the partitions that the worker holds."""
        return [event for event in self._passed.values() if event.event_offset < offsets.get(event.partition, 0)]

    def saved(self, events: Sequence[ParkedEvent]) -> None:
        """Notes that events are written down."""
        for event in events:
            place = event.partition, event.event_offset
            self._passed.pop(place, None)
            self._planned.pop(place, None)
        self._saved_count += len(events)

    def take_saved_count(self) -> int:
        """Returns how many events were written down since the last call."""
        count, self._saved_count = self._saved_count, 0
        return count

    def forget_passed(self) -> None:
        """Is told that the log is read again from what is saved."""
        self._passed.clear()

    def forget_visitors(self, keys: Collection[str]) -> None:
        """Is told that the stored states of visitors are others by now."""
        self._unreadable.difference_update(keys)

    def clear(self) -> None:
        """Forgets everything: another worker may have come further, or a rebuild made the states anew."""
        self._planned.clear()
        self._passed.clear()
        self._unreadable.clear()
