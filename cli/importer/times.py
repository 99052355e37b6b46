import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cli.importer.faults import Cleaned, ValueFault, is_missing
from cli.importer.numbers import MISSING_WORDS

_ZONED = r"(?:Z|[+-]\d{2}(?::?\d{2})?)$"
_EPOCH = re.compile(r"-?\d{9,19}(?:\.\d+)?")
# As milliseconds these fourteen digits would be in the year 2570.
_COMPACT = re.compile(r"((?:19|20)\d{6})(\d{6})")
_ISO = r"\d{4}-?\d{2}-?\d{2}(?:T\d{2}(?::?\d{2}(?::?\d{2}(?:\.\d{1,9})?)?)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?"
_BY_HAND = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([AaPp][Mm])?)?"
    r"\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
)
# Epoch numbers by size: seconds until the year 5138, then milliseconds, microseconds, nanoseconds.
_EPOCH_UNITS = ((1e11, 1_000.0), (1e14, 1.0), (1e17, 1e-3), (1e20, 1e-6))
_DAY_MILLIS = 86_400_000
_MIN_MILLIS, _MAX_MILLIS = -62_135_596_800_000, 253_402_300_799_999


@dataclass(frozen=True, slots=True)
class TimeReading:
    """How times of a column are to be read.

    Args:
        zone: of times that have none.
        day_first: whether 03/04/2025 is in April; None: it is not known.
    """

    zone: ZoneInfo
    day_first: bool | None = None


def clean_times(column: pd.Series, reading: TimeReading) -> Cleaned:
    """Unix milliseconds of a column's times: ISO 8601 with or without zone, 31.12.2025 14:05, 12/31/2025 2:05 PM,
    seconds to nanoseconds since 1970, or the column's own type. Where a clock is set back, an hour that comes twice
    is the first; where it is set forward, one that never was is the next there is.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return _in_range(_millis_of(_in_utc(column, reading.zone)))
    texts = [_text(value) for value in column.tolist()]
    return _clean_texts(texts, reading)


def day_first_in(column: pd.Series) -> set[bool]:
    """What the texts of a column say about the order of day and month: a number over 12 is a day."""
    if column.dtype != "str":
        return set()
    said = set()
    for text in column.dropna().unique():
        match = _BY_HAND.fullmatch(text.strip())
        if match and match[2] != "." and (int(match[1]) > 12) != (int(match[3]) > 12):
            said.add(int(match[1]) > 12)
    return said


def _clean_texts(texts: list[str | None], reading: TimeReading) -> Cleaned:
    values: list[Any] = [None] * len(texts)
    faults: list[ValueFault] = []
    written: dict[int, str] = {}
    for row, text in enumerate(texts):
        if text is None:
            continue
        if compact := _COMPACT.fullmatch(text):
            written[row] = f"{compact[1]}T{compact[2]}"
            continue
        if _EPOCH.fullmatch(text):
            values[row] = _epoch_millis(float(text))
            continue
        match = _BY_HAND.fullmatch(text)
        if match is None:
            written[row] = text
        elif (iso := _iso_of(match, reading.day_first)) is None:
            faults.append(
                ValueFault(row, "TIME_AMBIGUOUS", "may begin with day or month; say --day-first or --month-first")
            )
        else:
            written[row] = iso
    for row, millis in zip(written, _iso_millis(list(written.values()), reading.zone), strict=True):
        values[row] = millis
        if millis is None:
            faults.append(
                ValueFault(row, "TIME_UNREADABLE", "isn't a time; write 2025-12-31T14:05:00Z or epoch milliseconds")
            )
    cleaned = _in_range(values)
    return Cleaned(cleaned.values, faults + cleaned.faults)


def _text(value: Any) -> str | None:
    if is_missing(value):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value.isoformat() if isinstance(value, datetime) else str(value).strip()
    return None if text.casefold() in MISSING_WORDS else text


def _epoch_millis(number: float) -> int:
    for limit, factor in _EPOCH_UNITS:
        if abs(number) < limit:
            return round(number * factor)
    return _MAX_MILLIS + 1


def _iso_of(match: re.Match[str], day_first: bool | None) -> str | None:
    first, mark, second, year, hour, minute, second_of_minute, half, zone = match.groups()
    if mark == "." or int(first) > 12:
        day_first = True
    elif int(second) > 12:
        day_first = False
    if day_first is None:
        return None
    day, month = (first, second) if day_first else (second, first)
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half.upper() == "PM" else 0)
    return f"{year}-{month:0>2}-{day:0>2}T{hours:02}:{minute or '00'}:{second_of_minute or '00'}{zone or ''}"


def _iso_millis(texts: list[str], zone: ZoneInfo) -> list[int | None]:
    if not texts:
        return []
    column = pd.Series(texts, dtype="str").str.upper()
    column = column.str.replace(r"\s*(?:UTC|GMT)$", "Z", regex=True).str.replace(r"\s+(?=[+-]\d)", "", regex=True)
    column = column.str.replace(r"^(\S{8,10})\s+(?=\d)", r"\1T", regex=True).str.replace(",", ".", regex=False)
    column = column.where(column.str.fullmatch(_ISO))
    zoned = column.str.contains(_ZONED, regex=True, na=False)
    # A date's own hyphens look like a zone: 2025-12 is none, a time is needed before it.
    zoned &= column.str.contains("T", regex=False, na=False)
    millis: list[int | None] = [None] * len(texts)
    for mask in (zoned, ~zoned & column.notna()):
        rows = np.flatnonzero(mask.to_numpy())
        if rows.size:
            parsed = pd.to_datetime(column[mask], format="ISO8601", errors="coerce", utc=bool(zoned.iloc[rows[0]]))
            for row, value in zip(rows.tolist(), _millis_of(_in_utc(parsed, zone)), strict=True):
                millis[row] = value
    return millis


def _in_utc(column: pd.Series, zone: ZoneInfo) -> pd.Series:
    if column.dt.tz is not None:
        in_utc: pd.Series = column.dt.tz_convert("UTC")
        return in_utc
    # Zones end with the calendar: 9999-12-31, which stands for "for ever", is taken as UTC.
    millis = column.to_numpy(dtype="datetime64[ms]").astype("int64")
    edge = (millis < _MIN_MILLIS + _DAY_MILLIS) | (millis > _MAX_MILLIS - _DAY_MILLIS)
    first = np.ones(len(column), dtype=bool)
    localized = column.mask(edge).dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    in_utc = localized.dt.tz_convert("UTC")
    return in_utc.where(~edge, column.dt.tz_localize("UTC")) if edge.any() else in_utc


def _millis_of(column: pd.Series) -> list[Any]:
    missing = column.isna().to_numpy()
    millis: list[Any] = column.dt.tz_localize(None).to_numpy(dtype="datetime64[ms]").astype("int64").tolist()
    for row in np.flatnonzero(missing).tolist():
        millis[row] = None
    return millis


def _in_range(values: Iterable[Any]) -> Cleaned:
    kept: list[Any] = []
    faults = []
    for row, value in enumerate(values):
        fine = value is None or _MIN_MILLIS <= value <= _MAX_MILLIS
        kept.append(value if fine else None)
        if not fine:
            faults.append(ValueFault(row, "TIME_OUT_OF_RANGE", "is not between the years 1 and 9999; correct it"))
    return Cleaned(kept, faults)
