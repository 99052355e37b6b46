from datetime import datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.errors import FieldViolation
from services.common.timestamps import in_range, to_millis

MAXIMUM_AHEAD: Final = timedelta(hours=24)
CLOCKS_DIFFER_MICROS: Final = 60_000_000


def to_micros(timestamp: Timestamp) -> int:
    """Returns microseconds since 1970."""
    return timestamp.seconds * 1_000_000 + timestamp.nanos // 1_000


def from_micros(micros: int) -> Timestamp:
    """Returns the Timestamp of microseconds since 1970."""
    seconds, rest = divmod(micros, 1_000_000)
    return Timestamp(seconds=seconds, nanos=rest * 1_000)


def moment_to_micros(moment: datetime) -> int:
    """Returns microseconds since 1970 of an aware datetime."""
    return to_millis(moment) * 1_000 + moment.microsecond % 1_000


class Arrivals:
    """Times for updates without one: those of their arrival, each later than the one before."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, now: datetime, count: int) -> int:
        """Returns the first of `count` consecutive microseconds since 1970, at `now` or, in a rush, just after it."""
        first = max(moment_to_micros(now), self._next)
        self._next = first + count
        return first


def next_arrival(now_micros: int, last_micros: int) -> int:
    """Returns the time of an arrival: now, but after the last one of all processes, whose clocks differ a little.

    One that is far ahead is a clock gone wrong, and not followed.
    """
    return last_micros + 1 if now_micros <= last_micros <= now_micros + CLOCKS_DIFFER_MICROS else now_micros


def update_time_fault(field: str, timestamp: Timestamp, now_micros: int) -> FieldViolation | None:
    """Returns what is wrong with the time of an update: one from far in the future would never be superseded."""
    if not in_range(timestamp):
        return FieldViolation(field, "is not a time between the years 1 and 9999; send UTC", "TIME_OUT_OF_RANGE")
    if to_micros(timestamp) > now_micros + MAXIMUM_AHEAD // timedelta(microseconds=1):
        return FieldViolation(
            field, "is more than 24 hours in the future; check the clock, or leave it out", "UPDATE_TIME_IN_FUTURE"
        )
    return None
