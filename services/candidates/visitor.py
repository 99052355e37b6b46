"""What is known of a visitor: groups and tastes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.group_tastes import Group
from services.common.sorted_lookup import values_of
from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.features.v1.user_features_pb2 import Affinities


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


class Taste:
    """How much a visitor likes categories, as 0 to 1."""

    def __init__(self, affinities: Affinities) -> None:
        nos = np.array(affinities.nos, np.uint32)
        weights = np.maximum(np.array(affinities.weights, np.float64), 0.0)
        order = np.argsort(nos, kind="stable")
        # A root category sums up all below it: the logarithm keeps a leaf's weight visible beside it.
        liking = np.log1p(weights)
        self._nos = nos[order]
        self._liking = (liking / liking.max() if liking.size and liking.max() > 0 else liking)[order]
        self.favorites = nos[np.argsort(-weights, kind="stable")]

    def of(self, category_nos: NDArray[np.uint32]) -> NDArray[np.float64]:
        """Returns 0 to 1 for each row of numbers [n, levels] (0: no level): the mean liking of its levels."""
        levels = np.count_nonzero(category_nos, axis=1)
        total: NDArray[np.float64] = values_of(category_nos, self._nos, self._liking).sum(axis=1)
        total /= np.maximum(levels, 1)
        return total
