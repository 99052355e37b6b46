"""The shop's rankings, which all pages share, and the sources that propose from them."""

from dataclasses import dataclass

import numpy as np

from services.homepage.clients.columns import column
from services.homepage.clients.features_client import Features
from services.homepage.clients.refreshed import Refreshed
from services.homepage.pipeline.candidates import Candidates, Floats, Numbers, SourceColumn
from services.homepage.pipeline.stages import Proposal, Source
from services.homepage.query import Query
from services.homepage.source_names import POPULAR, TRENDING
from vitrine.features.v1 import feature_service_pb2


@dataclass(frozen=True, slots=True)
class TopItems:
    """The top items of a ranking, best first, and their values; shape (n,) each."""

    item_nos: Numbers
    values: Floats

    def proposed(self) -> SourceColumn:
        """Returns the items as a source's column, without evidence."""
        count = len(self.item_nos)
        return SourceColumn(np.arange(count, dtype=np.int32), self.values, np.zeros(count, np.uint32))


async def load_popular(features: Features, limit: int, seconds: float) -> TopItems:
    """Returns the items with the most events, half-life 7 days."""
    window = feature_service_pb2.STATISTICS_WINDOW_DECAYED_7D
    return _top(await features.top_items(window, limit, seconds))


async def load_trending(features: Features, limit: int, seconds: float) -> TopItems:
    """Returns the items with the steepest rise compared to their own past, steepest first.

    A steady item's sums with half-lives of 1 and 30 days have the ratio 1 to 30, so rise = daily / (monthly / 30 + 1).
    The 1 keeps a single sale of an item that never sold before from being the steepest rise. Only values above 1 rise.
    """
    half = seconds / 2
    daily = _top(await features.top_items(feature_service_pb2.STATISTICS_WINDOW_DECAYED_1D, limit, half))
    monthly = _top(await features.top_items(feature_service_pb2.STATISTICS_WINDOW_DECAYED_30D, limit, half))
    past = dict(zip(monthly.item_nos.tolist(), monthly.values.tolist(), strict=True))
    usual = np.array([past.get(item_no, 0.0) for item_no in daily.item_nos.tolist()], np.float32) / np.float32(30)
    rise = (daily.values / (usual + 1)).astype(np.float32)
    order = np.argsort(-rise, kind="stable")
    order = order[rise[order] > 1]
    return TopItems(daily.item_nos[order], rise[order])


def _top(response: feature_service_pb2.ListTopItemsResponse) -> TopItems:
    count = len(response.item_nos)
    return TopItems(column(response.item_nos, np.uint32), column(response.values, np.float32, count))


class TrendingSource(Source):
    """Trending items, from the shared ranking."""

    share = 0.2
    dependency = "FEATURES"

    def __init__(self, trending: Refreshed[TopItems]) -> None:
        self._trending = trending

    def enable(self, query: Query) -> bool:
        # Attributes aren't known here: with an item filter, only the candidates service proposes.
        return query.parameters.trending_items > 0 and not query.item_filter.ByteSize()

    async def get_candidates(self, query: Query, seconds: float) -> Proposal:
        every, limit = await self._trending.get(), query.parameters.trending_items
        top = TopItems(every.item_nos[:limit], every.values[:limit])
        return Proposal(Candidates(top.item_nos, np.zeros(len(top.item_nos), np.float32), {TRENDING: top.proposed()}))


class PopularItemsSource(Source):
    """Popular items, from the shared ranking: the fallback while the candidates service is unavailable."""

    share = 0.3
    dependency = "FEATURES"

    def __init__(self, popular: Refreshed[TopItems]) -> None:
        self._popular = popular

    async def get_candidates(self, query: Query, seconds: float) -> Proposal:
        top = await self._popular.get()
        scores = (1 / np.arange(1, len(top.item_nos) + 1)).astype(np.float32)
        return Proposal(Candidates(top.item_nos, scores, {POPULAR: top.proposed()}))
