from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cli.importer.column_names import normal
from cli.importer.faults import Cleaned, ValueFault, is_missing

# What databases and Pandas write where a text is missing. Ids are not looked at: "NULL" may be one.
MISSING_TEXTS = frozenset({"", "\\N", "NULL", "NaN", "<NA>"})
FLAGS = {
    **dict.fromkeys(("true", "yes", "y", "t", "1", "on"), True),
    **dict.fromkeys(("false", "no", "n", "f", "0", "off"), False),
}


def clean_ids(column: pd.Series) -> Cleaned:
    """Ids as they stand in the file: neither trimmed nor folded. Numbers are written without a decimal point."""
    if column.dtype == "str":
        return Cleaned(_known(column), [])
    return _each(column, _id)


def clean_texts(column: pd.Series) -> Cleaned:
    """Texts without white space around them."""
    if column.dtype == "str":
        stripped = column.str.strip()
        return Cleaned(_known(stripped.mask(stripped.isin(list(MISSING_TEXTS)))), [])
    return _each(column, _text)


def clean_flags(column: pd.Series) -> Cleaned:
    """Yes and no, in the words of `FLAGS` or in the column's own type."""
    if column.dtype == "bool":
        return Cleaned(column.tolist(), [])
    return _words(clean_texts(column), FLAGS, "FLAG_UNKNOWN", "is neither yes nor no; write true or false")


def clean_choices(column: pd.Series, choices: Mapping[str, int]) -> Cleaned:
    """The contract's numbers of words, which are compared without case, spaces and underscores."""
    by_normal = {normal(word): number for word, number in choices.items()}
    remedy = f"is none of {', '.join(choices)}; write one of them"
    return _words(clean_texts(column), by_normal, "WORD_UNKNOWN", remedy)


def clean_currencies(column: pd.Series, symbols: Mapping[str, str]) -> Cleaned:
    """ISO 4217 codes in capitals, also from symbols."""
    codes: dict[str, str] = {}
    cleaned = clean_texts(column)
    for text in set(cleaned.values) - {None}:
        code = symbols.get(text, text.upper())
        if len(code) == 3 and code.isascii() and code.isalpha():
            codes[text] = code
    remedy = "isn't a currency; write the code of ISO 4217, such as EUR"
    return _looked_up(cleaned, codes, "CURRENCY_UNKNOWN", remedy)


def clean_lists(column: pd.Series, separator: str) -> Cleaned:
    """Lists of texts: in the column's own type, or as text with a separator."""

    def texts_of(value: Any) -> list[str] | None:
        if isinstance(value, list | tuple | np.ndarray):
            parts = [_text(part) for part in value]
        elif (text := _text(value)) is None:
            return None
        else:
            parts = [part.strip() for part in text.split(separator)]
        return [part for part in parts if part] or None

    return _each(column, texts_of)


def _words(cleaned: Cleaned, words: Mapping[str, Any], reason: str, remedy: str) -> Cleaned:
    known = {text: words[normal(text)] for text in set(cleaned.values) - {None} if normal(text) in words}
    return _looked_up(cleaned, known, reason, remedy)


def _looked_up(cleaned: Cleaned, known: Mapping[str, Any], reason: str, remedy: str) -> Cleaned:
    values = [known.get(text) for text in cleaned.values]
    faults = list(cleaned.faults)
    if len(known) < len(set(cleaned.values) - {None}):
        faults += [
            ValueFault(row, reason, remedy)
            for row, (text, value) in enumerate(zip(cleaned.values, values, strict=True))
            if value is None and text is not None
        ]
    return Cleaned(values, faults)


def _each(column: pd.Series, read: Any) -> Cleaned:
    values, faults = [], []
    for row, value in enumerate(column.tolist()):
        try:
            values.append(read(value))
        except TypeError:
            values.append(None)
            faults.append(ValueFault(row, "NOT_A_TEXT", "is a list or an object; write one value"))
    return Cleaned(values, faults)


def _id(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    return _text(value)


def _text(value: Any) -> str | None:
    if isinstance(value, list | tuple | dict | np.ndarray):
        raise TypeError(type(value).__name__)
    if is_missing(value):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    text = str(value).strip()
    return None if text in MISSING_TEXTS else text


def _known(column: pd.Series) -> list[Any]:
    values: list[Any] = column.tolist()
    for row in np.flatnonzero(column.isna().to_numpy()).tolist():
        values[row] = None
    return values
