from collections.abc import Iterator, Mapping

from vitrine.common.v1.attribute_pb2 import AttributeValue


def item_text(title: str, attributes: Mapping[str, AttributeValue]) -> str:
    """Returns what a text encoder reads of an item: the title, then the attributes that are words ("name: value"), by
    name. Empty: there is nothing to read.
    """
    return ". ".join(part for part in (title.strip(), ", ".join(_spoken(attributes))) if part)


def _spoken(attributes: Mapping[str, AttributeValue]) -> Iterator[str]:
    for name in sorted(attributes):
        value = attributes[name]
        if words := ", ".join([value.text] if value.WhichOneof("value") == "text" else value.texts.values):
            yield f"{name}: {words}"
