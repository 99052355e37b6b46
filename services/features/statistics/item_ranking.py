from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.common.errors import invalid_field
from services.features.catalog.catalog import Catalog
from services.features.catalog.category_tree import in_branch
from services.features.definitions.item_statistics import COUNTED, ItemStatistics
from vitrine.features.v1 import feature_service_pb2 as pb

DECAYED: Final = {
    pb.STATISTICS_WINDOW_UNSPECIFIED: "decayed_7d",
    pb.STATISTICS_WINDOW_DECAYED_1D: "decayed_1d",
    pb.STATISTICS_WINDOW_DECAYED_7D: "decayed_7d",
    pb.STATISTICS_WINDOW_DECAYED_30D: "decayed_30d",
}


class RankingQuery(NamedTuple):
    """What to rank items by."""

    event_type: int
    window: pb.StatisticsWindow.ValueType
    category_no: int
    """Only items of this category or below; 0: all."""

    limit: int
    catalog_version: int
    """What says where items belong."""


class ItemRanking:
    """The items with the most of something, of all or of one branch of the category tree.

    What it says is shown to everybody: an item that fewer than `minimum_users` users interacted with is left out.
    """

    def __init__(self, catalog: Catalog, minimum_users: int) -> None:
        self._catalog = catalog
        self._minimum_users = minimum_users

    def in_category(self, category_no: int) -> NDArray[np.bool_] | None:
        """Returns by item_no whether items belong to a category or below; None for category 0. Belongs to the event
        loop, as the catalog does.
        """
        if not category_no:
            return None
        numbers = self._catalog.numbers
        if category_no >= len(numbers.category_names):
            return np.zeros(0, np.bool_)
        inside: NDArray[np.bool_] = in_branch(numbers, category_no)[self._catalog.columns["category_no"]]
        return inside

    def top(
        self, statistics: ItemStatistics, query: RankingQuery, in_category: NDArray[np.bool_] | None, query_millis: int
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Returns item_nos and their values, the greatest first, equal ones by number; items with none are left out.

        `in_category` is what the method of this name says. Raises InvalidArgumentError if the window is unknown, or
        counts a type that isn't counted.
        """
        limit = query.limit
        values = _values(statistics, query, query_millis)
        values = np.where(statistics.column("users") >= self._minimum_users, values, 0.0)
        if in_category is not None:
            values[len(in_category) :] = 0.0
            values[: len(in_category)] *= in_category[: len(values)]
        candidates = np.flatnonzero(values > 0.0)
        if len(candidates) > limit:
            # All that reach the value of the last place: the sort below decides among equals.
            least = np.partition(values[candidates], len(candidates) - limit)[len(candidates) - limit]
            candidates = candidates[values[candidates] >= least]
        order = candidates[np.lexsort((candidates, -values[candidates]))][:limit]
        return order, values[order]


def _values(statistics: ItemStatistics, query: RankingQuery, query_millis: int) -> NDArray[np.float64]:
    if query.window in DECAYED:
        return statistics.decayed(DECAYED[query.window], query_millis)
    if query.window != pb.STATISTICS_WINDOW_ALL:
        raise invalid_field("window", f"is {query.window}; see StatisticsWindow", "WINDOW_UNKNOWN")
    column = COUNTED.get(query.event_type)
    if column is None:
        raise invalid_field(
            "type",
            "is not counted by item; send VIEW, CLICK, WATCH, FAVORITE, ADD_TO_CART, PURCHASE or IMPRESSION",
            "TYPE_NOT_COUNTED",
        )
    return statistics.column(column).astype(np.float64)
