"""Whether an item passes a request's filter."""

from collections.abc import Sequence

from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.common.v1.item_filter_pb2 import AttributeFilter, ItemFilter
from vitrine.features.v1.item_pb2 import Item, ItemKind

_KIND_NAMES = {number: name.removeprefix("ITEM_KIND_") for name, number in ItemKind.items()}


def matches(item: Item, wanted: ItemFilter) -> bool:
    """Returns whether `item` matches: conditions are joined by AND, their values by OR; empty ones always match."""
    return (
        _in_price_range(item, wanted)
        and (not wanted.brands or item.brand in wanted.brands)
        and (not wanted.kinds or kind_name(item.kind) in wanted.kinds)
        and (not wanted.creators or item.creator_id in wanted.creators)
        and (not wanted.categories or _in_category(item.category_paths, wanted.categories))
        and all(_has_attribute(item, condition) for condition in wanted.attributes)
    )


def kind_name(kind: ItemKind.ValueType) -> str:
    """Returns the kind's name without prefix; an unspecified kind is a product."""
    return _KIND_NAMES[kind or ItemKind.ITEM_KIND_PRODUCT]


def _in_price_range(item: Item, wanted: ItemFilter) -> bool:
    if not (wanted.HasField("minimum_price") or wanted.HasField("maximum_price")):
        return True
    if not item.HasField("price"):
        return False
    above = not wanted.HasField("minimum_price") or item.price >= wanted.minimum_price
    below = not wanted.HasField("maximum_price") or item.price <= wanted.maximum_price
    return above and below


def _in_category(paths: Sequence[CategoryPath], wanted: Sequence[CategoryPath]) -> bool:
    return any(path.names[: len(prefix.names)] == prefix.names for path in paths for prefix in wanted)


def _has_attribute(item: Item, condition: AttributeFilter) -> bool:
    if condition.name not in item.attributes:
        return False
    value = item.attributes[condition.name]
    return any(_equals(value, wanted) for wanted in condition.any_of)


def _equals(value: AttributeValue, wanted: AttributeValue) -> bool:
    if value.WhichOneof("value") == "texts" and wanted.WhichOneof("value") == "text":
        return wanted.text in value.texts.values
    return value == wanted
