import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from services.features.definitions import decay
from services.features.definitions.item_statistics import HALF_LIVES_DAYS, ItemStatistics
from services.features.statistics.item_ranking import DECAYED, ItemRanking, RankingQuery
from vitrine.features.v1 import feature_service_pb2 as pb

T = TypeVar("T")

KEPT_ANSWERS: Final = 16


class StatisticsReader:
    """Answers questions about item statistics off the event loop, from a copy on a thread of its own.

    The loop hands over what changed since the last question, and nothing if nothing did. Equal questions share an
    answer until something changes.
    """

    def __init__(self, statistics: ItemStatistics, ranking: ItemRanking) -> None:
        self._statistics = statistics
        self._ranking = ranking
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="features-statistics")
        # What follows belongs to the thread.
        self._copy = ItemStatistics()
        self._answers: LRUCache[Any, Any] = LRUCache(KEPT_ANSWERS)

    async def changed_after(self, version: int, size: int, now_millis: int) -> pb.ListItemStatisticsResponse:
        """Returns the statistics of at most `size` items that changed after a version, as of now or of the last time
        that somebody asked and nothing changed since.
        """
        if version >= self._statistics.version:  # another worker may have been asked before, and know more
            return pb.ListItemStatisticsResponse(as_of_millis=now_millis, version=version)
        return await self._ask(lambda: self._changed_after(version, size, now_millis))

    async def top(self, query: RankingQuery, query_millis: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Returns what `ItemRanking.top` does."""
        in_category = self._ranking.in_category(query.category_no)
        return await self._ask(lambda: self._top(query, in_category, query_millis))

    async def close(self) -> None:
        """Ends the thread."""
        await asyncio.to_thread(self._thread.shutdown)

    async def _ask(self, question: Callable[[], T]) -> T:
        changes = self._statistics.take_changes()

        def answer() -> T:
            if isinstance(changes, ItemStatistics):
                self._copy = changes
            else:
                for row in changes:
                    self._copy.learn(row)
            if changes:
                self._answers.clear()
            return question()

        return await asyncio.get_running_loop().run_in_executor(self._thread, answer)

    def _changed_after(self, version: int, size: int, now_millis: int) -> pb.ListItemStatisticsResponse:
        known: pb.ListItemStatisticsResponse | None = self._answers.get((version, size))
        if known is None:
            known = self._answers[version, size] = self._list(version, size, now_millis)
        return known

    def _list(self, version: int, size: int, now_millis: int) -> pb.ListItemStatisticsResponse:
        statistics = self._copy
        items, more = statistics.changed_after(version, size)
        return pb.ListItemStatisticsResponse(
            item_nos=items.tolist(),
            as_of_millis=now_millis,
            view_counts=statistics.counts("views", items).tolist(),
            favorite_counts=statistics.counts("favorites", items).tolist(),
            cart_counts=statistics.counts("carts", items).tolist(),
            purchase_counts=statistics.counts("purchases", items).tolist(),
            buyer_counts=statistics.counts("buyers", items).tolist(),
            decayed_1d=statistics.decayed("decayed_1d", now_millis, items).tolist(),
            decayed_7d=statistics.decayed("decayed_7d", now_millis, items).tolist(),
            decayed_30d=statistics.decayed("decayed_30d", now_millis, items).tolist(),
            impression_counts=statistics.counts("impressions", items).tolist(),
            user_counts=statistics.counts("users", items).tolist(),
            mean_prices=statistics.price_means(items).tolist(),
            interval_counts=statistics.counts("intervals", items).tolist(),
            mean_interval_days=statistics.interval_means(items).tolist(),
            version=statistics.versions[int(items[-1])] if len(items) else max(version, statistics.version),
            more=more,
        )

    def _top(
        self, query: RankingQuery, in_category: NDArray[np.bool_] | None, query_millis: int
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        newest = int(self._copy.column("anchors").max())
        known = self._answers.get(query)
        if known is None or not newest <= known[0] <= query_millis:
            known = (query_millis, *self._ranking.top(self._copy, query, in_category, query_millis))
            self._answers[query] = known
        made_millis, item_nos, values = known
        # Decay keeps the order: what is younger by now weighs less by the same factor.
        if query.window in DECAYED:
            values = values * decay.weight(query_millis - made_millis, HALF_LIVES_DAYS[DECAYED[query.window]])
        return item_nos, values
