import numpy as np

from services.common.timestamps import millis_to_timestamp
from services.homepage.clients.candidates_client import CandidateFinder
from services.homepage.clients.columns import column
from services.homepage.history import anchors
from services.homepage.pipeline.candidates import Candidates, SourceColumn, empty_candidates
from services.homepage.pipeline.stages import Proposal, Source
from services.homepage.query import Query
from services.homepage.source_names import SIMILAR_ITEMS
from vitrine.candidates.v1.candidate_service_pb2 import ListSimilarItemsRequest


class SimilarItemsSource(Source):
    """Items similar to that of the visitor's last strong action, for the shelf "Because you bought X"."""

    share = 0.4
    dependency = "CANDIDATES"

    def __init__(self, finder: CandidateFinder) -> None:
        self._finder = finder

    def enable(self, query: Query) -> bool:
        return query.personal and query.parameters.similar_items > 0 and bool(query.user.recent.item_nos)

    async def get_candidates(self, query: Query, seconds: float) -> Proposal:
        anchor = next(iter(anchors(query.user, query.query_millis)), None)
        if anchor is None:
            return Proposal(empty_candidates())
        request = ListSimilarItemsRequest(
            item_no=anchor,
            limit=query.parameters.similar_items,
            filter=query.item_filter,
            excluded_item_nos=sorted({*query.excluded_item_nos, *query.user.disliked_item_nos}),
            query_time=millis_to_timestamp(query.query_millis),
        )
        response = await self._finder.similar(request, seconds)
        count = len(response.item_nos)
        proposed = SourceColumn(
            np.arange(count, dtype=np.int32),
            column(response.scores, np.float32, count),
            np.full(count, anchor, np.uint32),
        )
        item_nos = column(response.item_nos, np.uint32)
        return Proposal(Candidates(item_nos, np.zeros(count, np.float32), {SIMILAR_ITEMS: proposed}))
