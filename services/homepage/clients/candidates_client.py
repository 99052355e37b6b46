"""The homepage's client of the candidates service."""

from collections.abc import Callable
from typing import Protocol

import grpc

from services.common.circuit_breaker import CircuitBreaker
from services.homepage.clients.guarded_call import GuardedCall
from vitrine.candidates.v1 import candidate_service_pb2 as candidates
from vitrine.candidates.v1 import candidate_service_pb2_grpc


class CandidateFinder(Protocol):
    """The candidates service, as the homepage sees it. Methods raise only VitrineError."""

    async def retrieve(
        self, request: candidates.RetrieveCandidatesRequest, seconds: float
    ) -> candidates.RetrieveCandidatesResponse:
        """Returns candidates for a visitor."""
        ...

    async def similar(
        self, request: candidates.ListSimilarItemsRequest, seconds: float
    ) -> candidates.ListSimilarItemsResponse:
        """Returns similar items."""
        ...


class CandidatesClient:
    """The candidates service over gRPC, with a circuit breaker per method."""

    def __init__(self, channel: grpc.aio.Channel, breaker: Callable[[], CircuitBreaker]) -> None:
        stub = candidate_service_pb2_grpc.CandidateServiceStub(channel)
        self._retrieve = GuardedCall("RetrieveCandidates", stub.RetrieveCandidates, breaker())
        self._similar = GuardedCall("ListSimilarItems", stub.ListSimilarItems, breaker())

    async def retrieve(
        self, request: candidates.RetrieveCandidatesRequest, seconds: float
    ) -> candidates.RetrieveCandidatesResponse:
        return await self._retrieve(request, seconds)

    async def similar(
        self, request: candidates.ListSimilarItemsRequest, seconds: float
    ) -> candidates.ListSimilarItemsResponse:
        return await self._similar(request, seconds)
