import numpy as np

from services.common.timestamps import millis_to_timestamp
from services.homepage.clients.candidates_client import CandidateFinder
from services.homepage.clients.columns import column
from services.homepage.pipeline.candidates import Candidates, SourceColumn
from services.homepage.pipeline.stages import Proposal, Source
from services.homepage.query import Query
from vitrine.candidates.v1 import candidate_service_pb2
from vitrine.homepage.v1 import page_pb2


class RetrievedCandidatesSource(Source):
    """The candidates service's proposals: the page's main source."""

    share = 0.4
    dependency = "CANDIDATES"
    failure_step = page_pb2.DEGRADATION_STEP_POPULAR

    def __init__(self, finder: CandidateFinder) -> None:
        self._finder = finder

    async def get_candidates(self, query: Query, seconds: float) -> Proposal:
        parameters = query.parameters
        request = candidate_service_pb2.RetrieveCandidatesRequest(
            user=query.user,
            query_time=millis_to_timestamp(query.query_millis),
            filter=query.item_filter,
            excluded_item_nos=sorted({*query.excluded_item_nos, *query.user.disliked_item_nos}),
            limit=parameters.candidate_limit,
            quotas=[
                candidate_service_pb2.SourceQuota(source=source, quota=quota)
                for source, quota in parameters.source_quotas.items()
            ],
            context=query.context,
            user_vector=query.user_vector,
            user_vector_version=query.user_vector_version,
        )
        response = await self._finder.retrieve(request, seconds)
        return Proposal(_columns(response), _index_version(response.versions))


def _columns(response: candidate_service_pb2.RetrieveCandidatesResponse) -> Candidates:
    count = len(response.item_nos)
    sources: dict[str, SourceColumn] = {}
    for proposed in response.sources:
        size = len(proposed.positions)
        evidence = (
            column(proposed.evidence_item_nos, np.uint32, size)
            if proposed.evidence_item_nos
            else np.zeros(size, np.uint32)
        )
        sources[proposed.source] = SourceColumn(
            column(proposed.positions, np.int32, size), column(proposed.scores, np.float32, size), evidence
        )
    return Candidates(column(response.item_nos, np.uint32), column(response.fused_scores, np.float32, count), sources)


def _index_version(versions: candidate_service_pb2.IndexVersions) -> str:
    return "/".join(
        (
            str(versions.catalog_version),
            versions.neighbors_version,
            versions.embeddings_version,
            versions.content_version,
        )
    )
