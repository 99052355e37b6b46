from collections.abc import Sequence

import numpy as np

from services.homepage.pipeline.candidates import Candidates, Mask, Removal
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query
from vitrine.features.v1.item_pb2 import ItemKind


class RequestedItemsFilter(Filter):
    """Removes items that the request's filter rules out, as far as the states tell: by kind and price.

    The sources apply the rest, and the last check of the cards applies all of it.
    """

    def enable(self, query: Query) -> bool:
        return query.item_filter.ByteSize() > 0

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        wanted, states = query.item_filter, candidates.item_states
        removals: list[Removal] = []
        if wanted.kinds:
            numbers = [kind_number(name) for name in wanted.kinds]
            kinds = np.where(states.kinds == 0, kind_number("PRODUCT"), states.kinds)
            removals.append(Removal(~np.isin(kinds, numbers), "OTHER_KIND"))
        if wanted.HasField("minimum_price") or wanted.HasField("maximum_price"):
            removals.append(Removal(~_in_price_range(query, states.prices), "OUTSIDE_PRICE_RANGE"))
        return removals


def kind_number(name: str) -> int:
    """Returns the ItemKind of a name without prefix."""
    return int(ItemKind.Value(f"ITEM_KIND_{name}"))


def _in_price_range(query: Query, prices: np.ndarray) -> Mask:
    wanted = query.item_filter
    mask: Mask = prices >= 0
    # Single precision: a price at the bound must not fall to rounding. The cards are checked exactly.
    tolerance = 1e-6
    if wanted.HasField("minimum_price"):
        mask &= prices >= wanted.minimum_price * (1 - tolerance)
    if wanted.HasField("maximum_price"):
        mask &= prices <= wanted.maximum_price * (1 + tolerance)
    return mask
