from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.common.clock import FixedClock, SystemClock

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def test_a_fixed_clock_stands_until_it_is_moved() -> None:
    clock = FixedClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(timedelta(minutes=5))
    assert clock.now() == NOON + timedelta(minutes=5)


def test_a_fixed_clock_tells_utc() -> None:
    clock = FixedClock(datetime(2024, 3, 1, 13, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == NOON
    assert clock.now().utcoffset() == timedelta(0)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        FixedClock(datetime(2024, 3, 1))  # noqa: DTZ001  # what is tested


def test_the_systems_clock_tells_utc_and_goes_on() -> None:
    clock = SystemClock()
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.now().utcoffset() == timedelta(0)
