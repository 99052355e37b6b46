"""The homepage's client of the ranker."""

from collections.abc import Callable
from typing import Protocol

import grpc

from services.common.circuit_breaker import CircuitBreaker
from services.homepage.clients.guarded_call import GuardedCall
from vitrine.ranker.v1 import ranker_service_pb2 as ranker
from vitrine.ranker.v1 import ranker_service_pb2_grpc


class Ranker(Protocol):
    """The ranker, as the homepage sees it. Methods raise only VitrineError."""

    async def score(self, request: ranker.ScoreItemsRequest, seconds: float) -> ranker.ScoreItemsResponse:
        """Returns the scores of candidates."""
        ...

    async def encode_user(self, request: ranker.EncodeUserRequest, seconds: float) -> ranker.EncodeUserResponse:
        """Returns the visitor as a vector."""
        ...


class RankerClient:
    """The ranker over gRPC, with a circuit breaker per method."""

    def __init__(self, channel: grpc.aio.Channel, breaker: Callable[[], CircuitBreaker]) -> None:
        stub = ranker_service_pb2_grpc.RankerServiceStub(channel)
        self._score = GuardedCall("ScoreItems", stub.ScoreItems, breaker())
        self._encode_user = GuardedCall("EncodeUser", stub.EncodeUser, breaker())

    async def score(self, request: ranker.ScoreItemsRequest, seconds: float) -> ranker.ScoreItemsResponse:
        return await self._score(request, seconds)

    async def encode_user(self, request: ranker.EncodeUserRequest, seconds: float) -> ranker.EncodeUserResponse:
        return await self._encode_user(request, seconds)
