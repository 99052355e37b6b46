from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.arrays import capacity_for, grown
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse

_MILLIS_PER_DAY: Final = 86_400_000
_HALF_LIFE_MILLIS: Final = 7 * _MILLIS_PER_DAY
# The half-lives that the feature store counts with, as columns of its answer.
_HALF_LIVES: Final = {
    "decayed_1d": _MILLIS_PER_DAY,
    "decayed_7d": _HALF_LIFE_MILLIS,
    "decayed_30d": 30 * _MILLIS_PER_DAY,
}


class ItemStatistics:
    """How popular every item is: events by strength with half-lives of 1, 7 and 30 days, as the feature store counts.

    Answers of different times meet here, each true for its own `as_of`. So the logarithm at a common time is kept:
    log2(count) + as_of / half-life, which decay does not change: one order holds for every query time.

    What is made of it is shown to everybody: an item that fewer than `minimum_users` users interacted with counts as
    one that nobody did.
    """

    def __init__(self, minimum_users: int) -> None:
        self._minimum_users = minimum_users
        self.version = 0
        self.revision = 0
        self.newest_millis = 0
        # A count of 0 is minus infinity.
        self._logs = {name: np.full(capacity_for(0), -np.inf) for name in _HALF_LIVES}

    def apply(self, answer: ListItemStatisticsResponse) -> None:
        """Takes over what changed. A column that the answer lacks says nothing."""
        item_nos = np.array(answer.item_nos, np.int64)
        if len(item_nos):
            self._reach(int(item_nos.max()))
            shown = self._shown(answer)
            for name, half_life in _HALF_LIVES.items():
                counts = np.array(getattr(answer, name), np.float64)
                if len(counts) != len(item_nos):
                    continue
                positive = np.isfinite(counts) & (counts > 0) & shown
                logs = np.log2(np.where(positive, counts, 1.0)) + answer.as_of_millis / half_life
                self._logs[name][item_nos] = np.where(positive, logs, -np.inf)
            self.newest_millis = max(self.newest_millis, answer.as_of_millis)
            self.revision += 1
        self.version = answer.version

    def _shown(self, answer: ListItemStatisticsResponse) -> NDArray[np.bool_]:
        """Returns for each item of an answer whether enough users are behind it; where that is not said, none are."""
        if len(answer.user_counts) != len(answer.item_nos):
            return np.zeros(len(answer.item_nos), np.bool_)
        return np.array(answer.user_counts, np.int64) >= self._minimum_users

    def log_popularity(self, capacity: int) -> NDArray[np.float64]:
        """Returns a copy [capacity] of the time-free logarithms for 7 days; minus infinity where nothing counts."""
        return self._copy("decayed_7d", capacity)

    def daily_and_monthly(self, capacity: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the sums [capacity] with half-lives of 1 and 30 days, both as of the newest answer."""
        return self._at_newest("decayed_1d", capacity), self._at_newest("decayed_30d", capacity)

    def _at_newest(self, name: str, capacity: int) -> NDArray[np.float64]:
        logs = self._copy(name, capacity) - self.newest_millis / _HALF_LIVES[name]
        return np.exp2(np.clip(logs, -1000.0, 1000.0)) * np.isfinite(logs)

    def _copy(self, name: str, capacity: int) -> NDArray[np.float64]:
        copy = np.full(capacity, -np.inf)
        rows = min(capacity, len(self._logs[name]))
        copy[:rows] = self._logs[name][:rows]
        return copy

    def _reach(self, highest: int) -> None:
        for name, logs in self._logs.items():
            if highest >= len(logs):
                wider = grown(logs, capacity_for(highest))
                wider[len(logs) :] = -np.inf
                self._logs[name] = wider


def popularity_at(logs: NDArray[np.float64], query_millis: int) -> NDArray[np.float64]:
    """Returns the decayed counts at a time from their time-free logarithms."""
    return np.exp2(np.clip(logs - query_millis / _HALF_LIFE_MILLIS, -1000.0, 1000.0)) * np.isfinite(logs)
