"""Times: `google.protobuf.Timestamp` in contracts, aware datetimes in Python, Unix milliseconds in stores."""

from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.errors import FieldViolation, InvalidArgumentError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
# The range of google.protobuf.Timestamp: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.
MIN_SECONDS: Final = -62_135_596_800
MAX_SECONDS: Final = 253_402_300_799
MIN_MILLIS: Final = MIN_SECONDS * 1000
MAX_MILLIS: Final = MAX_SECONDS * 1000 + 999


def in_range(timestamp: Timestamp) -> bool:
    """Returns whether `timestamp` is valid: years 1 to 9999, nanoseconds within their second."""
    return MIN_SECONDS <= timestamp.seconds <= MAX_SECONDS and 0 <= timestamp.nanos < 1_000_000_000


def timestamp_to_millis(timestamp: Timestamp, field: str = "time") -> int:
    """Returns Unix milliseconds, rounded down. Raises InvalidArgumentError naming `field` if it is out of range."""
    if not in_range(timestamp):
        violation = FieldViolation(field, "is not a time between the years 1 and 9999", "TIME_OUT_OF_RANGE")
        raise InvalidArgumentError(
            f"{field} is not a time between the years 1 and 9999; send seconds and nanos of UTC since 1970",
            reason="TIME_OUT_OF_RANGE",
            violations=[violation],
        )
    return timestamp.seconds * 1000 + timestamp.nanos // 1_000_000


def from_timestamp(timestamp: Timestamp, field: str = "time") -> datetime:
    """Returns the aware UTC datetime, to the millisecond; raises as `timestamp_to_millis`."""
    return from_millis(timestamp_to_millis(timestamp, field))


def to_timestamp(moment: datetime) -> Timestamp:
    """Returns the Timestamp of an aware datetime, to the millisecond."""
    return millis_to_timestamp(to_millis(moment))


def millis_to_timestamp(millis: int) -> Timestamp:
    """Returns the Timestamp of Unix milliseconds."""
    seconds, rest = divmod(_checked(millis), 1000)
    return Timestamp(seconds=seconds, nanos=rest * 1_000_000)


def to_millis(moment: datetime) -> int:
    """Returns Unix milliseconds, rounded down. A naive datetime is a bug: ValueError."""
    if moment.tzinfo is None:
        raise ValueError("the datetime has no time zone; give an aware one")
    return (moment - _EPOCH) // _MILLISECOND


def from_millis(millis: int) -> datetime:
    """Returns the aware UTC datetime of Unix milliseconds; ValueError outside the years 1 to 9999."""
    return _EPOCH + timedelta(milliseconds=_checked(millis))


def _checked(millis: int) -> int:
    if not MIN_MILLIS <= millis <= MAX_MILLIS:
        raise ValueError(f"{millis} ms since 1970 is not between the years 1 and 9999")
    return millis
