from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.errors import invalid_field
from services.features.catalog.catalog import Catalog
from services.features.catalog.category_tree import in_branch
from services.features.definitions.item_columns import take
from services.features.definitions.item_statistics import COUNTED, ItemStatistics
from vitrine.features.v1 import feature_service_pb2 as pb

DECAYED: Final = {
    pb.STATISTICS_WINDOW_UNSPECIFIED: "decayed_7d",
    pb.STATISTICS_WINDOW_DECAYED_1D: "decayed_1d",
    pb.STATISTICS_WINDOW_DECAYED_7D: "decayed_7d",
    pb.STATISTICS_WINDOW_DECAYED_30D: "decayed_30d",
}


class ItemRanking:
    """The items with the most of something, of all or of one branch of the category tree.

    What it says is shown to everybody: an item that fewer than `minimum_users` users took to is left out.
    """

    def __init__(self, statistics: ItemStatistics, catalog: Catalog, minimum_users: int) -> None:
        self._statistics = statistics
        self._catalog = catalog
        self._minimum_users = minimum_users

    def top(
        self, event_type: int, window: pb.StatisticsWindow.ValueType, category_no: int, limit: int, query_millis: int
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Returns item_nos and their values, the greatest first, equal ones by number; items with none are left out.

        Raises InvalidArgumentError where the window is unknown, or counts a type that is not counted.
        """
        values = self._values(event_type, window, query_millis)
        values = np.where(self._statistics.column("users") >= self._minimum_users, values, 0.0)
        if category_no:
            values = np.where(self._in_category(len(values), category_no), values, 0.0)
        candidates = np.flatnonzero(values > 0.0)
        if len(candidates) > limit:
            # All that reach the value of the last place: the sort below decides among equals.
            least = np.partition(values[candidates], len(candidates) - limit)[len(candidates) - limit]
            candidates = candidates[values[candidates] >= least]
        order = candidates[np.lexsort((candidates, -values[candidates]))][:limit]
        return order, values[order]

    def _values(self, event_type: int, window: pb.StatisticsWindow.ValueType, query_millis: int) -> NDArray[np.float64]:
        if window in DECAYED:
            return self._statistics.decayed(DECAYED[window], query_millis)
        if window != pb.STATISTICS_WINDOW_ALL:
            raise invalid_field("window", f"is {window}; see StatisticsWindow", "WINDOW_UNKNOWN")
        column = COUNTED.get(event_type)
        if column is None:
            raise invalid_field(
                "type",
                "is not counted by item; send VIEW, CLICK, WATCH, FAVORITE, ADD_TO_CART, PURCHASE or IMPRESSION",
                "TYPE_NOT_COUNTED",
            )
        return self._statistics.column(column).astype(np.float64)

    def _in_category(self, size: int, category_no: int) -> NDArray[np.bool_]:
        numbers = self._catalog.numbers
        if category_no >= len(numbers.category_names):
            return np.zeros(size, np.bool_)
        categories = take(self._catalog.columns["category_no"], np.arange(size, dtype=np.uint32))
        return in_branch(numbers, category_no)[categories]
