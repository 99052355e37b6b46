from typing import Final

import numpy as np

from services.homepage.clients.refreshed import Refreshed
from services.homepage.pipeline.candidates import Candidates, SourceColumn
from services.homepage.pipeline.stages import Proposal, Source
from services.homepage.query import Query
from services.homepage.top_items import TopItems

TRENDING: Final = "trending"


class TrendingSource(Source):
    """What rises against its own past, from the rankings that all pages share."""

    share = 0.2
    dependency = "FEATURES"

    def __init__(self, trending: Refreshed[TopItems]) -> None:
        self._trending = trending

    def enable(self, query: Query) -> bool:
        # The item filter's attributes are not known here: with one, only the candidates service proposes.
        return query.parameters.trending_items > 0 and not query.item_filter.ByteSize()

    async def get_candidates(self, query: Query, seconds: float) -> Proposal:
        top = await self._trending.get()
        item_nos = top.item_nos[: query.parameters.trending_items]
        count = len(item_nos)
        proposed = SourceColumn(np.arange(count, dtype=np.int32), top.values[:count], np.zeros(count, np.uint32))
        return Proposal(Candidates(item_nos, np.zeros(count, np.float32), {TRENDING: proposed}))
