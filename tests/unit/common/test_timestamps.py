from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from services.common import timestamps
from services.common.errors import InvalidArgumentError

MOMENTS = st.datetimes(timezones=st.just(UTC))
MILLIS = st.integers(timestamps.MIN_MILLIS, timestamps.MAX_MILLIS)


@given(MILLIS)
def test_milliseconds_survive_every_form(millis: int) -> None:
    assert timestamps.to_millis(timestamps.from_millis(millis)) == millis
    timestamp = timestamps.millis_to_timestamp(millis)
    assert timestamps.in_range(timestamp)
    assert timestamps.timestamp_to_millis(timestamp) == millis
    assert timestamps.to_timestamp(timestamps.from_timestamp(timestamp)) == timestamp


@given(MOMENTS)
def test_a_moment_is_rounded_down_to_its_millisecond(moment: datetime) -> None:
    lost = moment - timestamps.from_millis(timestamps.to_millis(moment))
    assert timedelta(0) <= lost < timedelta(milliseconds=1)


def test_moments_of_other_zones_are_the_same_moment() -> None:
    berlin = datetime(2024, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=1)))
    assert timestamps.to_millis(berlin) == timestamps.to_millis(datetime(2024, 3, 1, 0, 30, tzinfo=UTC))


def test_before_1970_rounds_down_too() -> None:
    assert timestamps.timestamp_to_millis(Timestamp(seconds=-1, nanos=999_999_999)) == -1
    assert timestamps.to_millis(datetime(1969, 12, 31, 23, 59, 59, 999_900, tzinfo=UTC)) == -1


def test_a_moment_without_a_zone_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        timestamps.to_millis(datetime(2024, 3, 1))  # noqa: DTZ001  # what is tested


@pytest.mark.parametrize(
    "timestamp",
    [
        Timestamp(seconds=timestamps.MAX_SECONDS + 1),
        Timestamp(seconds=timestamps.MIN_SECONDS - 1),
        Timestamp(seconds=2**63 - 1),
        Timestamp(seconds=-(2**63)),
        Timestamp(nanos=1_000_000_000),
        Timestamp(nanos=-1),
    ],
)
def test_what_is_no_time_is_the_callers_fault(timestamp: Timestamp) -> None:
    with pytest.raises(InvalidArgumentError, match=r"events\[0\]\.event_time is not a time") as caught:
        timestamps.from_timestamp(timestamp, "events[0].event_time")
    assert caught.value.violations[0].field == "events[0].event_time"
    assert caught.value.reason == "TIME_OUT_OF_RANGE"


@pytest.mark.parametrize("millis", [timestamps.MIN_MILLIS - 1, timestamps.MAX_MILLIS + 1])
def test_milliseconds_out_of_range_are_a_bug(millis: int) -> None:
    with pytest.raises(ValueError, match="years 1 and 9999"):
        timestamps.from_millis(millis)
    with pytest.raises(ValueError, match="years 1 and 9999"):
        timestamps.millis_to_timestamp(millis)
