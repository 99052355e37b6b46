import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cli.importer.faults import Cleaned, ValueFault, is_missing, is_text
from cli.importer.number_text import NotANumberError, Separator, read_number, separator_in
from cli.importer.units import currency_of, no_unit

# Words that programs write where there is no number or time.
MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "nat", "null", "none", "\\n", "-", "--", "?", "#n/a", "<na>"})


@dataclass(frozen=True, slots=True)
class Money:
    """Amounts, and the currency that stood beside each (empty: none did)."""

    amounts: Cleaned
    currencies: list[str]


def clean_numbers(
    column: pd.Series, decimal: Separator, factor: Callable[[str], float] = no_unit, *, whole: bool = False
) -> Cleaned:
    """Numbers of a column, in its own types or as text.

    Args:
        column: as it was read.
        decimal: its decimal separator, where it is text.
        factor: what a number with a unit is to be multiplied by.
        whole: whether they are whole numbers.
    """

    def value_of(text: str) -> tuple[float, str]:
        number = read_number(text, decimal)
        return number.value * (factor(number.unit) if number.unit else 1.0), ""

    values, _, faults = _read(column, decimal, value_of)
    if whole:
        return _whole(values, faults)
    return Cleaned(values, faults)


def clean_money(column: pd.Series, decimal: Separator) -> Money:
    """Amounts of a column, in its own types or as text with a currency on either side.

    Args:
        column: as it was read.
        decimal: its decimal separator, where it is text.
    """

    def value_of(text: str) -> tuple[float, str]:
        number = read_number(text, decimal)
        return number.value, currency_of(number.unit) if number.unit else ""

    values, currencies, faults = _read(column, decimal, value_of)
    return Money(Cleaned(values, faults), currencies)


def separator_of(column: pd.Series) -> Separator:
    """What the texts of a column say together about its decimal separator: UNKNOWN where they contradict each other,
    NONE where none of them tells.
    """
    if not is_text(column):
        return Separator.NONE
    texts = {value for value in column.unique() if isinstance(value, str) and ("." in value or "," in value)}
    found = {separator_in(text) for text in texts} & {Separator.POINT, Separator.COMMA}
    return agreed(found)


def agreed(found: set[Separator]) -> Separator:
    """What several parts of a column say together."""
    found = found - {Separator.NONE}
    if not found:
        return Separator.NONE
    return found.pop() if len(found) == 1 else Separator.UNKNOWN


def _read(
    column: pd.Series, decimal: Separator, value_of: Callable[[str], tuple[float, str]]
) -> tuple[list[Any], list[str], list[ValueFault]]:
    if column.dtype == "bool":
        column = column.astype("int64")
    if pd.api.types.is_numeric_dtype(column):
        return _typed(column.to_numpy(dtype="float64"))
    currencies = [""] * len(column)
    faults = []
    texts: list[Any] = column.tolist()
    values: list[Any] = [None] * len(texts)
    known: dict[Any, tuple[float, str]] = {}
    for row, number in _plain(column, decimal):
        values[row] = number
    for row, text in enumerate(texts):
        if values[row] is not None or is_missing(text):
            continue
        try:
            if text not in known:
                known[text] = value_of(text) if isinstance(text, str) else (_number(text), "")
            values[row], currencies[row] = known[text]
        except NotANumberError as error:
            if str(text).strip().casefold() not in MISSING_WORDS:
                faults.append(ValueFault(row, error.reason, error.remedy))
        except TypeError:
            faults.append(ValueFault(row, "NUMBER_UNREADABLE", "is a list; write one number"))
    return values, currencies, faults + _not_finite(values)


def _plain(column: pd.Series, decimal: Separator) -> list[tuple[int, float]]:
    """Rows whose text is a number as machines write it: nearly all, and read at once."""
    if column.dtype != "str" or decimal not in {Separator.POINT, Separator.NONE}:
        return []
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    rows = np.flatnonzero(~np.isnan(numbers))
    return list(zip(rows.tolist(), numbers[rows].tolist(), strict=True))


def _typed(numbers: np.ndarray) -> tuple[list[Any], list[str], list[ValueFault]]:
    values: list[Any] = numbers.tolist()
    for row in np.flatnonzero(np.isnan(numbers)).tolist():
        values[row] = None
    return values, [""] * len(values), _not_finite(values) if np.isinf(numbers).any() else []


def _number(value: Any) -> float:
    if not isinstance(value, bool | int | float):
        raise TypeError(type(value).__name__)
    return float(value)


def _not_finite(values: list[Any]) -> list[ValueFault]:
    faults = []
    for row, value in enumerate(values):
        if value is not None and not math.isfinite(value):
            values[row] = None
            faults.append(ValueFault(row, "NOT_FINITE", "is not finite; write a number, or nothing"))
    return faults


def _whole(values: list[Any], faults: list[ValueFault]) -> Cleaned:
    for row, value in enumerate(values):
        if value is None:
            continue
        if value.is_integer() and abs(value) <= 2**53:
            values[row] = int(value)
        else:
            values[row] = None
            faults.append(ValueFault(row, "NOT_WHOLE", "is not a whole number; round it"))
    return Cleaned(values, faults)
