from typing import Any

import grpc

from tests.support.homepage_shop.behavior import Behavior
from tests.support.homepage_shop.shop import FakeShop
from vitrine.candidates.v1 import candidate_service_pb2 as candidates
from vitrine.candidates.v1.candidate_service_pb2_grpc import (
    CandidateServiceServicer,
    add_CandidateServiceServicer_to_server,
)


class FakeCandidates(CandidateServiceServicer):
    """Proposes what the FakeShop's `proposals` say, and the following numbers as similar items."""

    def __init__(self, shop: FakeShop) -> None:
        self.shop = shop
        self.behavior = Behavior()
        self.requests: list[candidates.RetrieveCandidatesRequest] = []

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds the service to `server`."""
        add_CandidateServiceServicer_to_server(self, server)

    async def RetrieveCandidates(self, request: candidates.RetrieveCandidatesRequest, context: Any) -> Any:
        await self.behavior.enter(context, "RetrieveCandidates")
        self.requests.append(request)
        places: dict[int, int] = {}
        columns = []
        for source, numbers in self.shop.proposals.items():
            wanted = [number for number in numbers if number not in set(request.excluded_item_nos)]
            positions = [places.setdefault(number, len(places)) for number in wanted]
            columns.append(
                candidates.SourceColumns(
                    source=source,
                    positions=positions,
                    scores=[1.0 / (1 + rank) for rank in range(len(positions))],
                    evidence_item_nos=[self.shop.evidence.get((source, number), 0) for number in wanted],
                )
            )
        return candidates.RetrieveCandidatesResponse(
            item_nos=list(places),
            fused_scores=[1.0 / (60 + rank) for rank in range(len(places))],
            sources=columns,
            versions=candidates.IndexVersions(catalog_version=7, neighbors_version="n1", content_version="c1"),
        )

    async def ListSimilarItems(self, request: candidates.ListSimilarItemsRequest, context: Any) -> Any:
        await self.behavior.enter(context, "ListSimilarItems")
        numbers = [request.item_no + step for step in range(1, request.limit + 1)]
        found = [number for number in numbers if number in self.shop.items]
        scores = [1.0 / (1 + rank) for rank in range(len(found))]
        return candidates.ListSimilarItemsResponse(item_nos=found, scores=scores, sources=["content"] * len(found))
