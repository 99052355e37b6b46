import pytest

from services.events.cleaning.event_clock import EventClock
from vitrine.events.v1.event_pb2 import Event

NOW = 1_764_000_000_250
DAY = 24 * 3600 * 1000


def at(millis: int) -> Event:
    event = Event()
    event.event_time.seconds, rest = divmod(millis, 1000)
    event.event_time.nanos = rest * 1_000_000
    return event


def settled(event: Event) -> int:
    clock = EventClock(NOW)
    assert clock.find_fault(event) is None
    millis = clock.settle(event)
    assert event.event_time.ToMilliseconds() == millis
    return millis


@pytest.mark.parametrize("millis", [0, -1, -62_135_596_800_000, 1, NOW - 1, NOW])
def test_any_past_is_kept(millis: int) -> None:
    assert settled(at(millis)) == millis


@pytest.mark.parametrize("ahead", [1, 1000, DAY])
def test_up_to_a_day_ahead_is_taken_as_now(ahead: int) -> None:
    assert settled(at(NOW + ahead)) == NOW


def test_a_missing_time_is_the_time_of_arrival() -> None:
    assert settled(Event()) == NOW


def test_nanoseconds_of_the_past_are_kept() -> None:
    event = at(NOW - 5000)
    event.event_time.nanos += 123
    EventClock(NOW).settle(event)
    assert event.event_time.nanos % 1_000_000 == 123


@pytest.mark.parametrize("ahead", [DAY + 1, 365 * DAY])
def test_more_than_a_day_ahead_is_refused(ahead: int) -> None:
    fault = EventClock(NOW).find_fault(at(NOW + ahead))
    assert fault is not None
    assert (fault.reason, fault.field) == ("EVENT_TIME_IN_FUTURE", "event_time")


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(-62_135_596_801, 0), (253_402_300_800, 0), (0, -1), (0, 1_000_000_000)]
)
def test_what_is_no_time_is_refused(seconds: int, nanos: int) -> None:
    event = Event()
    event.event_time.seconds, event.event_time.nanos = seconds, nanos
    fault = EventClock(NOW).find_fault(event)
    assert fault is not None
    assert (fault.reason, fault.field) == ("TIME_OUT_OF_RANGE", "event_time")


def test_the_year_9999_is_a_time_but_in_the_future() -> None:
    fault = EventClock(NOW).find_fault(at(253_402_300_799_000))
    assert fault is not None
    assert fault.reason == "EVENT_TIME_IN_FUTURE"
