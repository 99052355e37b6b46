import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

MAX_SHOWN = 200


class Fault(NamedTuple):
    """What is wrong with one row.

    Args:
        line: where the row begins: the physical line of a text file, the row's number in a Parquet file, from 1.
        field: the field that it cannot be taken for; empty: the row as a whole.
        value: what stands there.
        reason: stable UPPER_SNAKE word.
        remedy: what is wrong and what to do about it.
    """

    line: int
    field: str
    value: str
    reason: str
    remedy: str


class ValueFault(NamedTuple):
    """What is wrong with one value of a column.

    Args:
        row: its place in the column, from 0.
        reason: stable UPPER_SNAKE word.
        remedy: what is wrong and what to do about it.
    """

    row: int
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A column as it goes on.

    Args:
        values: Python values, None where there is none.
        faults: the values that could not be read; they are None among the values.
    """

    values: list[Any]
    faults: list[ValueFault]


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN or NaT."""
    return value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def is_text(column: pd.Series) -> bool:
    """Whether a column holds texts, or values of several types, rather than numbers or times."""
    return column.dtype == "str" or pd.api.types.is_object_dtype(column)


def shown(value: Any) -> str:
    """A value for a person, shortened."""
    text = "" if is_missing(value) else str(value).encode(errors="backslashreplace").decode()
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
