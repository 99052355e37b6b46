from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.growth import capacity_for, grown
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse

_HALF_LIFE_MILLIS: Final = 7 * 86_400_000


class ItemStatistics:
    """How popular every item is: events by strength with a half-life of 7 days, as the feature store counts them.

    Answers of different times meet here, each true for its own `as_of`. So the logarithm at a common time is kept:
    log2(count) + as_of / half-life, which decay does not change: one order holds for every query time.
    """

    def __init__(self) -> None:
        self.version = 0
        self.revision = 0
        # A count of 0 is minus infinity; `_seen` tells a row that was never set (zero) from one that was.
        self._logs: NDArray[np.float64] = np.zeros(capacity_for(0), np.float64)
        self._seen: NDArray[np.bool_] = np.zeros(capacity_for(0), np.bool_)

    def apply(self, answer: ListItemStatisticsResponse) -> None:
        """Takes over what changed."""
        item_nos = np.array(answer.item_nos, np.int64)
        if len(item_nos):
            highest = int(item_nos.max())
            if highest >= len(self._logs):
                self._logs = grown(self._logs, capacity_for(highest))
                self._seen = grown(self._seen, capacity_for(highest))
            counts = np.array(answer.decayed_7d, np.float64)
            positive = np.isfinite(counts) & (counts > 0)
            self._logs[item_nos] = np.log2(np.where(positive, counts, 1.0)) + answer.as_of_millis / _HALF_LIFE_MILLIS
            self._seen[item_nos] = positive
            self.revision += 1
        self.version = answer.version

    def log_popularity(self, capacity: int) -> NDArray[np.float64]:
        """Returns a copy [capacity] of the time-free logarithms; minus infinity where nothing was counted."""
        logs = np.full(capacity, -np.inf)
        rows = min(capacity, len(self._logs))
        logs[:rows] = np.where(self._seen[:rows], self._logs[:rows], -np.inf)
        return logs


def popularity_at(logs: NDArray[np.float64], query_millis: int) -> NDArray[np.float64]:
    """Returns the decayed counts at a time from their time-free logarithms."""
    return np.exp2(np.clip(logs - query_millis / _HALF_LIFE_MILLIS, -1000.0, 1000.0)) * np.isfinite(logs)
