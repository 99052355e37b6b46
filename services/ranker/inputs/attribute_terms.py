"""Declared attributes, of users and of items, as terms "name=value"."""

import math
from collections.abc import Iterator, Mapping

from vitrine.common.v1.attribute_pb2 import AttributeValue


def attribute_terms(attributes: Mapping[str, AttributeValue]) -> Iterator[str]:
    """Yields a term for each value, by the attributes' names. An attribute without a value has none."""
    for name in sorted(attributes):
        for value in _values(attributes[name]):
            yield f"{name}={value}"


def _values(value: AttributeValue) -> Iterator[str]:
    match value.WhichOneof("value"):
        case "text":
            yield value.text
        case "flag":
            yield "yes" if value.flag else "no"
        case "texts":
            yield from value.texts.values
        case "number" if math.isfinite(value.number):
            # Numbers of about one size are one term: half powers of two.
            size = round(2 * math.log2(1 + abs(value.number)))
            yield f"{'-' if value.number < 0 else '+'}{size}"
