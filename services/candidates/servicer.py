from typing import Any, Final, TypeAlias

import grpc
import numpy as np

from services.candidates.bought_with import bought_with
from services.candidates.catalog.filter_masks import FilterMasks
from services.candidates.marshal import eligibility_of, query_of, response_of, vector_status_of
from services.candidates.requests import candidate_limit, similar_limit, together_limit
from services.candidates.retrieval import Retriever
from services.candidates.search.searcher import Searcher
from services.candidates.similar import similar_items
from services.candidates.sources.inputs import Inputs
from services.common.deadlines import remaining
from services.common.errors import NotFoundError, UnavailableError
from services.common.signing import Signer
from services.common.sorted_lookup import distinct
from services.common.timestamps import timestamp_to_millis
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.candidates.v1.candidate_service_pb2_grpc import CandidateServiceServicer

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_RESERVE_SECONDS: Final = 0.005


class CandidateServicer(CandidateServiceServicer):
    """CandidateService: validates, asks, marshals."""

    def __init__(self, inputs: Inputs, retriever: Retriever, signer: Signer) -> None:
        self._inputs = inputs
        self._retriever = retriever
        self._masks = FilterMasks(inputs.columns)
        self._searcher = Searcher(inputs, self._masks, signer)

    async def RetrieveCandidates(
        self, request: pb.RetrieveCandidatesRequest, context: Context
    ) -> pb.RetrieveCandidatesResponse:
        limit = candidate_limit(request)
        self._check_catalog()
        query = query_of(request, self._inputs, self._masks)
        quotas = {quota.source: quota.quota for quota in request.quotas}
        weights = {quota.source: quota.weight for quota in request.quotas if quota.HasField("weight")}
        seconds = remaining(context, _RESERVE_SECONDS)
        versions = self._versions()  # of what is asked now: a swap during the request is the next one's
        retrieved = await self._retriever.retrieve(query, limit, quotas, seconds, weights)
        return response_of(retrieved, versions)

    async def ListSimilarItems(
        self, request: pb.ListSimilarItemsRequest, context: Context
    ) -> pb.ListSimilarItemsResponse:
        limit = similar_limit(request)
        self._check_catalog()
        columns = self._inputs.columns
        item_no = columns.item_no_of(request.item_id) if request.item_id else request.item_no
        if not columns.knows(item_no):
            raise NotFoundError("the item is not in the catalog; upsert it first", reason="UNKNOWN_ITEM")
        eligibility = eligibility_of(
            request.filter,
            list(request.excluded_item_nos),
            timestamp_to_millis(request.query_time, "query_time"),
            self._inputs,
            self._masks,
        )
        similar = await similar_items(self._inputs, item_no, eligibility, limit)
        return pb.ListSimilarItemsResponse(
            item_nos=similar.item_nos.tolist(),
            scores=similar.scores.tolist(),
            sources=["content" if by_content else "item_cf" for by_content in similar.by_content],
            failed_sources=[similar.failed] if similar.failed else [],
        )

    async def ListBoughtTogether(
        self, request: pb.ListBoughtTogetherRequest, context: Context
    ) -> pb.ListBoughtTogetherResponse:
        limit = together_limit(request)
        self._check_catalog()
        columns = self._inputs.columns
        numbers = [*request.item_nos, *(columns.item_no_of(item_id) for item_id in request.item_ids)]
        basket = np.array([item_no for item_no in numbers if columns.knows(item_no)], np.uint32)
        if not len(basket):
            raise NotFoundError("none of the items is in the catalog; upsert them first", reason="UNKNOWN_ITEM")
        eligibility = eligibility_of(
            request.filter,
            list(request.excluded_item_nos),
            timestamp_to_millis(request.query_time, "query_time"),
            self._inputs,
            self._masks,
        )
        together = bought_with(self._inputs, distinct(basket), eligibility, limit)
        return pb.ListBoughtTogetherResponse(
            item_nos=together.item_nos.tolist(),
            lifts=together.lifts.tolist(),
            buyer_counts=together.buyers.tolist(),
            with_item_nos=together.with_item_nos.tolist(),
            version=self._inputs.bought_together.version,
        )

    async def SearchItems(self, request: pb.SearchItemsRequest, context: Context) -> pb.SearchItemsResponse:
        self._check_catalog()
        return await self._searcher.search(request)

    async def GetIndexStatus(self, request: pb.GetIndexStatusRequest, context: Context) -> pb.GetIndexStatusResponse:
        inputs, vectors = self._inputs, self._inputs.vectors
        return pb.GetIndexStatusResponse(
            versions=self._versions(),
            eligible_item_count=inputs.columns.eligible_count,
            item_count=inputs.columns.item_count,
            sources=self._retriever.names,
            refused_artifacts=[refusal for artifact in inputs.artifacts for refusal in artifact.refusals()],
            artifacts=[
                pb.LoadedArtifact(name=one.name, version=one.version) for one in inputs.artifacts if one.version
            ],
            content_fault=inputs.content.unready(),
            refused_items=inputs.refused_items,
            new_vector_count=0 if vectors is None or vectors.newer is None else len(vectors.newer.item_nos),
            waiting_vector_count=inputs.waiting_vectors,
            vectors_fault=inputs.vectors_fault,
            named_vectors=map(vector_status_of, inputs.content.vectors()),
        )

    def _check_catalog(self) -> None:
        if not self._inputs.catalog_read:
            raise UnavailableError("the catalog has not been read yet; try again in a moment", reason="NO_CATALOG")

    def _versions(self) -> pb.IndexVersions:
        embeddings = self._inputs.embeddings.value
        return pb.IndexVersions(
            catalog_version=self._inputs.columns.version,
            neighbors_version=self._inputs.neighbors.version,
            embeddings_version=embeddings.model_version if embeddings else "",
            content_version=self._inputs.content.version,
        )
