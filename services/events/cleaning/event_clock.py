from typing import Final

from services.common.timestamps import in_range
from services.events.cleaning.event_fields import Fault
from vitrine.events.v1.event_pb2 import Event

MAX_AHEAD_MILLIS: Final = 24 * 3600 * 1000


class EventClock:
    """Checks and completes the times of events that arrive at the same moment.

    A client's clock may be wrong: up to 24 hours ahead counts as now, more is a fault. Any time in the past is valid.
    """

    def __init__(self, ingest_millis: int) -> None:
        self.ingest_millis = ingest_millis
        self._seconds, rest = divmod(ingest_millis, 1000)
        self._nanos = rest * 1_000_000

    def find_fault(self, event: Event) -> Fault | None:
        """Returns the fault of the event's time, or None."""
        if not event.HasField("event_time"):
            return None
        time = event.event_time
        if not in_range(time):
            return Fault(
                "TIME_OUT_OF_RANGE",
                "event_time",
                "event_time isn't a time between the years 1 and 9999; send seconds and nanos of UTC since 1970",
            )
        if time.seconds * 1000 + time.nanos // 1_000_000 > self.ingest_millis + MAX_AHEAD_MILLIS:
            return Fault(
                "EVENT_TIME_IN_FUTURE",
                "event_time",
                "event_time is more than 24 hours in the future; send the time in UTC and set the sender's clock, "
                "or leave it out to use the arrival time",
            )
        return None

    def settle(self, event: Event) -> int:
        """Sets `event_time` if it's missing or in the future; returns it in Unix milliseconds."""
        time = event.event_time
        if event.HasField("event_time"):
            millis = time.seconds * 1000 + time.nanos // 1_000_000
            if millis <= self.ingest_millis:
                return millis
        time.seconds, time.nanos = self._seconds, self._nanos
        return self.ingest_millis
