from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from cli.importer.times import TimeReading, clean_times, day_first_in

BERLIN = ZoneInfo("Europe/Berlin")


def millis(*parts: int, milli: int = 0) -> int:
    """Year, month, day, … in UTC."""
    year, month, day, hour, minute, second = (*parts, 0, 0, 0)[:6]
    return round(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1000 + milli


def read(text: object, zone: str = "UTC", *, day_first: bool | None = None) -> int | None:
    column = pd.Series([text], dtype="str" if isinstance(text, str) else None)
    cleaned = clean_times(column, TimeReading(ZoneInfo(zone), day_first))
    assert not cleaned.faults
    value: int | None = cleaned.values[0]
    return value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-31", millis(2025, 1, 31)),
        ("2025-01-31T10:20:30.123Z", millis(2025, 1, 31, 10, 20, 30, milli=123)),
        ("2025-01-31 10:20:30,123456789", millis(2025, 1, 31, 10, 20, 30, milli=123)),
        ("2025-01-31 10:20 +02:00", millis(2025, 1, 31, 8, 20)),
        ("2025-01-31T10:20-0330", millis(2025, 1, 31, 13, 50)),
        ("2019-10-01 00:00:00 UTC", millis(2019, 10, 1)),
        ("20250131", millis(2025, 1, 31)),
        ("20250131102030", millis(2025, 1, 31, 10, 20, 30)),
        ("31.01.2025 10:20", millis(2025, 1, 31, 10, 20)),
        ("31/1/2025", millis(2025, 1, 31)),
        ("1/31/2025 2:05 PM", millis(2025, 1, 31, 14, 5)),
        ("1/31/2025, 12:05 am", millis(2025, 1, 31, 0, 5)),
        ("1738318830", millis(2025, 1, 31, 10, 20, 30)),
        ("1738318830123", millis(2025, 1, 31, 10, 20, 30, milli=123)),
        ("1738318830123456", millis(2025, 1, 31, 10, 20, 30, milli=123)),
        ("1738318830.5", millis(2025, 1, 31, 10, 20, 30, milli=500)),
        ("9999-12-31", millis(9999, 12, 31)),
        ("null", None),
    ],
)
def test_forms_of_times(text: str, expected: int | None) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "text", ["yesterday", "2025-13-01", "2025-02-30", "31.13.2025", "12:00", "17", "2025-01-31T25:00:00Z", "2025-1"]
)
def test_what_is_no_time_is_rejected(text: str) -> None:
    cleaned = clean_times(pd.Series([text], dtype="str"), TimeReading(ZoneInfo("UTC")))
    assert cleaned.values == [None]
    assert [fault.reason for fault in cleaned.faults] == ["TIME_UNREADABLE"]


def test_a_time_without_a_zone_is_in_the_shops_and_one_with_keeps_its_own() -> None:
    assert read("2025-07-01 12:00", "Europe/Berlin") == millis(2025, 7, 1, 10)
    assert read("2025-01-01 12:00", "Europe/Berlin") == millis(2025, 1, 1, 11)
    assert read("01.07.2025 12:00", "Europe/Berlin") == millis(2025, 7, 1, 10)
    assert read("2025-07-01T12:00Z", "Europe/Berlin") == millis(2025, 7, 1, 12)


def test_the_last_day_of_the_calendar_is_for_ever_in_every_zone() -> None:
    assert read("9999-12-31 23:59:59", "America/New_York") == millis(9999, 12, 31, 23, 59, 59)
    assert read("0001-01-01", "Asia/Tokyo") == millis(1, 1, 1)


def test_hours_that_a_clock_change_repeats_or_skips() -> None:
    assert read("2024-10-27 02:30", "Europe/Berlin") == millis(2024, 10, 27, 0, 30)
    assert read("2024-03-31 02:30", "Europe/Berlin") == millis(2024, 3, 31, 1)


def test_day_and_month_are_never_guessed() -> None:
    column = pd.Series(["03/04/2025"], dtype="str")
    assert [fault.reason for fault in clean_times(column, TimeReading(BERLIN)).faults] == ["TIME_AMBIGUOUS"]
    assert read("03/04/2025", day_first=True) == millis(2025, 4, 3)
    assert read("03/04/2025", day_first=False) == millis(2025, 3, 4)


def test_a_column_tells_what_its_dates_begin_with() -> None:
    assert day_first_in(pd.Series(["03/04/2025", "13/04/2025", None], dtype="str")) == {True}
    assert day_first_in(pd.Series(["04/13/2025"], dtype="str")) == {False}
    assert day_first_in(pd.Series(["13/04/2025", "04/13/2025"], dtype="str")) == {True, False}
    assert day_first_in(pd.Series(["03/04/2025"], dtype="str")) == set()


def test_types_of_columns() -> None:
    moment = pd.Timestamp("2025-01-31 10:20:30.123")
    naive = pd.Series([moment, pd.NaT])
    assert clean_times(naive, TimeReading(BERLIN)).values == [millis(2025, 1, 31, 9, 20, 30, milli=123), None]
    aware = naive.dt.tz_localize("America/New_York")
    assert clean_times(aware, TimeReading(BERLIN)).values == [millis(2025, 1, 31, 15, 20, 30, milli=123), None]
    assert read(1738318830) == millis(2025, 1, 31, 10, 20, 30)
    assert read(1738318830123.0) == millis(2025, 1, 31, 10, 20, 30, milli=123)
    assert read(20250131) == millis(2025, 1, 31)


def test_a_time_out_of_range_is_rejected() -> None:
    for column in (
        pd.Series(["-99999999999999"], dtype="str"),
        pd.Series(np.array(["20000-01-01"], dtype="datetime64[s]")),
    ):
        cleaned = clean_times(column, TimeReading(BERLIN))
        assert [fault.reason for fault in cleaned.faults] == ["TIME_OUT_OF_RANGE"]
