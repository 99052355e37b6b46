"""Attribute values as comparable terms: text "1", number 1 and yes are three different things."""

from vitrine.common.v1.attribute_pb2 import AttributeValue

AttributeTerm = tuple[str, str | float | bool | tuple[str, ...]]


def attribute_term(value: AttributeValue) -> AttributeTerm | None:
    """Returns the whole value as one term; None where none is set."""
    kind = value.WhichOneof("value")
    if kind == "text":
        return "text", value.text
    if kind == "number":
        return "number", value.number
    if kind == "flag":
        return "flag", value.flag
    if kind == "texts":
        return "texts", tuple(value.texts.values)
    return None


def attribute_terms(value: AttributeTerm) -> list[AttributeTerm]:
    """Returns the terms that a stored value answers to: itself and, for a list, each of its texts."""
    kind, content = value
    if kind == "texts" and isinstance(content, tuple):
        return [value, *(("text", text) for text in content)]
    return [value]
