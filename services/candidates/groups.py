from collections.abc import Mapping, Sequence

from services.candidates.artifacts.group_tastes import Group
from vitrine.common.v1.attribute_pb2 import AttributeValue


def groups_of(
    attributes: Mapping[str, AttributeValue], names: Sequence[str], context: Mapping[str, str] | None = None
) -> tuple[Group, ...]:
    """Returns the groups that a user is in, by the attributes `names`, in their order.

    Where the shop did not say an attribute of the user, the request's context may: an anonymous visitor has a region
    too. A list of texts has no one value and makes no group.
    """
    groups: list[Group] = []
    for name in names:
        value = _text(attributes[name]) if name in attributes else (context or {}).get(name, "")
        if value:
            groups.append((name, value))
    return tuple(groups)


def _text(value: AttributeValue) -> str:
    kind = value.WhichOneof("value")
    if kind == "text":
        return value.text
    if kind == "number":
        return f"{value.number:g}"
    if kind == "flag":
        return "yes" if value.flag else "no"
    return ""
