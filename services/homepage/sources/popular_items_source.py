from typing import Final

import numpy as np

from services.homepage.clients.refreshed import Refreshed
from services.homepage.pipeline.candidates import Candidates, SourceColumn
from services.homepage.pipeline.stages import Proposal, Source
from services.homepage.query import Query
from services.homepage.top_items import TopItems

POPULAR: Final = "popular"


class PopularItemsSource(Source):
    """Popular items from the cache: what the page is made of while the candidates service does not answer."""

    share = 0.3
    dependency = "FEATURES"

    def __init__(self, popular: Refreshed[TopItems]) -> None:
        self._popular = popular

    async def get_candidates(self, query: Query, seconds: float) -> Proposal:
        top = await self._popular.get()
        count = len(top.item_nos)
        scores = (1 / np.arange(1, count + 1)).astype(np.float32)
        proposed = SourceColumn(np.arange(count, dtype=np.int32), top.values, np.zeros(count, np.uint32))
        return Proposal(Candidates(top.item_nos, scores, {POPULAR: proposed}))
