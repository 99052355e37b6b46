from typing import Any

import pytest

from services.homepage.filters.duplicate_group_filter import DuplicateGroupFilter
from services.homepage.filters.request_filters import (
    AvailabilityFilter,
    DislikedItemFilter,
    ExcludedItemFilter,
    MinimumAgeFilter,
    RequestedItemsFilter,
)
from services.homepage.filters.state_filters import state_filters
from services.homepage.pipeline.candidates import Candidates
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query
from tests.unit.homepage.columns import NOW, candidates, query
from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.features.v1.user_features_pb2 import UserFeatures

STATE_FILTERS = {unit.name: unit for unit in state_filters()}


def removed(unit: Filter, asked: Query, found: Candidates) -> dict[int, str]:
    """Runs a filter as the executor does; returns the reasons by item."""
    if unit.enable(asked):
        for removal in unit.filter(asked, found):
            found.remove(removal.mask, unit.name, removal.reason)
    reasons = {int(number): found.removed_by(index) for index, number in enumerate(found.item_nos)}
    assert all(name in {"", unit.name} for name, _ in reasons.values())
    return {number: reason for number, (_, reason) in reasons.items() if reason}


def adult(age: str) -> UserFeatures:
    return UserFeatures(attributes={"age_band": AttributeValue(text=age)})


@pytest.mark.parametrize(
    ("unit", "asked", "columns", "expected"),
    [
        (STATE_FILTERS["UnknownItemFilter"], {}, {"flags": [0, 13, 1]}, {1: "NOT_IN_CATALOG"}),
        (STATE_FILTERS["HiddenItemFilter"], {}, {"flags": [13, 15, 13]}, {2: "HIDDEN"}),
        (STATE_FILTERS["OutOfStockFilter"], {}, {"flags": [13, 9, 13]}, {2: "OUT_OF_STOCK"}),
        (STATE_FILTERS["MissingPriceFilter"], {}, {"flags": [13, 13, 5]}, {3: "NO_PRICE"}),
        (AvailabilityFilter(), {}, {"available_from_millis": [0, NOW, NOW + 1]}, {3: "NOT_YET_AVAILABLE"}),
        (AvailabilityFilter(), {}, {"available_until_millis": [0, NOW, NOW + 1]}, {2: "NO_LONGER_AVAILABLE"}),
        (MinimumAgeFilter(), {}, {"minimum_ages": [0, 16, 18]}, {2: "AGE_NOT_KNOWN", 3: "AGE_NOT_KNOWN"}),
        (MinimumAgeFilter(), {"user": adult("16-17")}, {"minimum_ages": [0, 16, 18]}, {3: "TOO_YOUNG"}),
        (ExcludedItemFilter(), {"excluded_item_nos": frozenset({2, 9})}, {}, {2: "EXCLUDED_BY_REQUEST"}),
        (ExcludedItemFilter(), {}, {}, {}),
        (DislikedItemFilter(), {"user": UserFeatures(disliked_item_nos=[3])}, {}, {3: "DISLIKED"}),
        (DislikedItemFilter(), {}, {}, {}),
        (
            RequestedItemsFilter(),
            {"item_filter": ItemFilter(kinds=["PRODUCT"])},
            {"kinds": [0, 1, 2]},
            {3: "OTHER_KIND"},
        ),
        (
            RequestedItemsFilter(),
            {"item_filter": ItemFilter(minimum_price=0.1, maximum_price=19.99)},
            {"prices": [0.1, 19.99, 20.0]},
            {3: "OUTSIDE_PRICE_RANGE"},
        ),
        (
            RequestedItemsFilter(),
            {"item_filter": ItemFilter(minimum_price=0)},
            {"prices": [-1, 0, 1]},
            {1: "OUTSIDE_PRICE_RANGE"},
        ),
        (DuplicateGroupFilter(), {}, {"group_nos": [7, 7, 7], "values": [1, 3, 2]}, {1: "V", 3: "V"}),
        (DuplicateGroupFilter(), {}, {"group_nos": [0, 0, 7]}, {}),
    ],
)
def test_a_filter_removes_what_it_says_and_nothing_else(
    unit: Filter, asked: dict[str, Any], columns: dict[str, Any], expected: dict[int, str]
) -> None:
    found = removed(unit, query(**asked), candidates([1, 2, 3], **columns))
    variant = "VARIANT_OF_A_BETTER_ONE"
    assert found == {number: variant if reason == "V" else reason for number, reason in expected.items()}


def test_a_variant_steps_in_where_the_better_one_is_removed() -> None:
    found = candidates([1, 2], group_nos=[7, 7], values=[9, 1])
    found.remove(found.item_nos == 1, "OutOfStockFilter", "OUT_OF_STOCK")
    for removal in DuplicateGroupFilter().filter(query(), found):
        found.remove(removal.mask, "DuplicateGroupFilter", removal.reason)
    assert found.removed_by(0) == ("OutOfStockFilter", "OUT_OF_STOCK")
    assert found.kept.tolist() == [False, True]
