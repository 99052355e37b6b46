import math
from collections.abc import Mapping
from typing import Final

from services.common.errors import FieldViolation
from services.common.validation import identifier_fault
from vitrine.common.v1.attribute_pb2 import AttributeValue

MAXIMUM_ATTRIBUTES: Final = 64
MAXIMUM_NAME_BYTES: Final = 64
MAXIMUM_TEXT_BYTES: Final = 1_024
MAXIMUM_TEXTS: Final = 100


def attributes_fault(field: str, attributes: Mapping[str, AttributeValue]) -> FieldViolation | None:
    """Returns what makes the attributes of an item or a user unfit, or None; `field` is their path in the request."""
    if len(attributes) > MAXIMUM_ATTRIBUTES:
        return FieldViolation(
            field, f"has {len(attributes)} attributes; send at most {MAXIMUM_ATTRIBUTES}", "TOO_MANY_ATTRIBUTES"
        )
    for name, value in attributes.items():
        if len(name.encode()) > MAXIMUM_NAME_BYTES or identifier_fault(name):
            return FieldViolation(
                field,
                "has a name that is empty, longer than 64 bytes or holds control characters; shorten or rename it",
                "ATTRIBUTE_NAME_INVALID",
            )
        if fault := _value_fault(f"{field}.{name}", value):
            return fault
    return None


def _value_fault(field: str, value: AttributeValue) -> FieldViolation | None:
    kind = value.WhichOneof("value")
    if kind is None:
        return FieldViolation(
            field, "has no value; leave the attribute out if it is not known", "ATTRIBUTE_VALUE_MISSING"
        )
    if kind == "number" and not math.isfinite(value.number):
        return FieldViolation(
            field, f"is {value.number}; send a finite number, or leave it out", "ATTRIBUTE_NOT_FINITE"
        )
    if kind == "text" and len(value.text.encode()) > MAXIMUM_TEXT_BYTES:
        return FieldViolation(field, "is longer than 1,024 bytes; shorten it", "ATTRIBUTE_TOO_LONG")
    if kind == "texts":
        texts = value.texts.values
        if len(texts) > MAXIMUM_TEXTS or any(len(text.encode()) > MAXIMUM_TEXT_BYTES for text in texts):
            return FieldViolation(
                field, "has over 100 texts, or one over 1,024 bytes; shorten it", "ATTRIBUTE_TOO_LONG"
            )
    return None
