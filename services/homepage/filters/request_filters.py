"""Filters that depend on the request or its visitor: time, age, exclusions, dislikes, the request's item filter."""

from collections.abc import Sequence

import numpy as np

from services.homepage.clients.columns import column
from services.homepage.pipeline.candidates import Candidates, Mask, Removal
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query
from services.homepage.visitor_age import known_age
from vitrine.features.v1.item_pb2 import ItemKind


class AvailabilityFilter(Filter):
    """Removes items outside their availability: shown from its start until before its end."""

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        states = candidates.item_states
        until = states.available_until_millis
        return [
            Removal(states.available_from_millis > query.query_millis, "NOT_YET_AVAILABLE"),
            Removal((until != 0) & (until <= query.query_millis), "NO_LONGER_AVAILABLE"),
        ]


class MinimumAgeFilter(Filter):
    """Removes items that the visitor isn't known to be old enough for."""

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        age = known_age(query.user.attributes)
        minimum = candidates.item_states.minimum_ages
        if age is None:
            return [Removal(minimum > 0, "AGE_NOT_KNOWN")]
        return [Removal(minimum > age, "TOO_YOUNG")]


class ExcludedItemFilter(Filter):
    """Removes items that the request excludes."""

    def enable(self, query: Query) -> bool:
        return bool(query.excluded_item_nos)

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        excluded = np.fromiter(query.excluded_item_nos, np.uint32, len(query.excluded_item_nos))
        return [Removal(np.isin(candidates.item_nos, excluded), "EXCLUDED_BY_REQUEST")]


class DislikedItemFilter(Filter):
    """Removes items that the visitor dislikes."""

    def enable(self, query: Query) -> bool:
        return bool(query.user.disliked_item_nos)

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        disliked = column(query.user.disliked_item_nos, np.uint32)
        return [Removal(np.isin(candidates.item_nos, disliked), "DISLIKED")]


class RequestedItemsFilter(Filter):
    """Removes items that the request's filter rules out by kind or price, which item states hold.

    The sources apply the other conditions, and the last check of the cards applies all of them.
    """

    def enable(self, query: Query) -> bool:
        return query.item_filter.ByteSize() > 0

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        wanted, states = query.item_filter, candidates.item_states
        removals: list[Removal] = []
        if wanted.kinds:
            numbers = [_kind_number(name) for name in wanted.kinds]
            kinds = np.where(states.kinds == 0, _kind_number("PRODUCT"), states.kinds)
            removals.append(Removal(~np.isin(kinds, numbers), "OTHER_KIND"))
        if wanted.HasField("minimum_price") or wanted.HasField("maximum_price"):
            removals.append(Removal(~_in_price_range(query, states.prices), "OUTSIDE_PRICE_RANGE"))
        return removals


def _kind_number(name: str) -> int:
    """Returns the ItemKind of a name without prefix."""
    return int(ItemKind.Value(f"ITEM_KIND_{name}"))


def _in_price_range(query: Query, prices: np.ndarray) -> Mask:
    wanted = query.item_filter
    mask: Mask = prices >= 0
    # Single precision: a price at the bound must not be lost to rounding. The cards are checked exactly.
    tolerance = 1e-6
    if wanted.HasField("minimum_price"):
        mask &= prices >= wanted.minimum_price * (1 - tolerance)
    if wanted.HasField("maximum_price"):
        mask &= prices <= wanted.maximum_price * (1 + tolerance)
    return mask
