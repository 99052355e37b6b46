from typing import Any

import numpy as np
import pandas as pd

from cli.importer.attribute_types import AttributeType, unit_of
from cli.importer.faults import Cleaned, is_missing
from cli.importer.number_text import Separator
from cli.importer.numbers import clean_numbers
from cli.importer.texts import clean_flags, clean_lists, clean_texts
from cli.importer.units import unit_factor
from vitrine.common.v1 import attribute_pb2

AttributeLike = str | float | bool | list[str] | tuple[str, ...]


def type_of(name: str, column: pd.Series, said: AttributeType | None) -> AttributeType:
    """What the values of an attribute are: as was said, else as its name says (`weight_g` is a number in grams), else
    as its column's own type says, else text.
    """
    if said is not None:
        return said
    if unit_of(name):
        return AttributeType.NUMBER
    values = [column.iloc[0]] if column.dtype != "object" and len(column) else column.tolist()
    first = next((value for value in values if not is_missing(value)), None)
    if column.dtype == "bool" or isinstance(first, bool):
        return AttributeType.FLAG
    if pd.api.types.is_numeric_dtype(column) or isinstance(first, int | float):
        return AttributeType.NUMBER
    return AttributeType.TEXTS if isinstance(first, list | tuple | np.ndarray) else AttributeType.TEXT


def clean_attribute(
    name: str, column: pd.Series, of_type: AttributeType, decimal: Separator, list_separator: str
) -> Cleaned:
    """Values of an attribute: str, float, bool or list[str]. Numbers of one that is named with a unit are in it."""
    match of_type:
        case AttributeType.NUMBER:
            unit = unit_of(name)
            if unit:
                return clean_numbers(column, decimal, lambda written: unit_factor(written, unit))
            return clean_numbers(column, decimal)
        case AttributeType.FLAG:
            return clean_flags(column)
        case AttributeType.TEXTS:
            return clean_lists(column, list_separator)
        case AttributeType.TEXT:
            return clean_texts(column)


class AttributeMessages:
    """Values of attributes as the contract's messages. Most come often: each is made once."""

    def __init__(self) -> None:
        self._made: dict[tuple[type, Any], attribute_pb2.AttributeValue] = {}

    def of(self, value: AttributeLike) -> attribute_pb2.AttributeValue:
        """The message of a value."""
        key = (type(value), tuple(value) if isinstance(value, list | tuple) else value)
        if key not in self._made:
            self._made[key] = _message(value)
        return self._made[key]


def _message(value: AttributeLike) -> attribute_pb2.AttributeValue:
    if isinstance(value, bool):
        return attribute_pb2.AttributeValue(flag=value)
    if isinstance(value, str):
        return attribute_pb2.AttributeValue(text=value)
    if isinstance(value, list | tuple):
        return attribute_pb2.AttributeValue(texts=attribute_pb2.TextList(values=value))
    return attribute_pb2.AttributeValue(number=value)
