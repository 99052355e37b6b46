from typing import Any

import grpc

from tests.support.homepage_shop.behavior import Behavior
from vitrine.ranker.v1 import ranker_service_pb2 as ranker
from vitrine.ranker.v1.ranker_service_pb2_grpc import RankerServiceServicer, add_RankerServiceServicer_to_server


class FakeRanker(RankerServiceServicer):
    """Scores each item by its number alone (`value_of`), by the model or, when `linear`, by the linear scorer."""

    def __init__(self) -> None:
        self.behavior = Behavior()
        self.linear = False
        self.requests: list[ranker.ScoreItemsRequest] = []

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds the service to `server`."""
        add_RankerServiceServicer_to_server(self, server)

    @staticmethod
    def value_of(number: int) -> float:
        """Returns an item's value: a fixed shuffle of the numbers."""
        return (number * 7919 % 1009) / 1009

    async def ScoreItems(self, request: ranker.ScoreItemsRequest, context: Any) -> Any:
        await self.behavior.enter(context, "ScoreItems")
        self.requests.append(request)
        values = [self.value_of(number) for number in request.item_nos]
        if self.linear:
            return ranker.ScoreItemsResponse(
                values=values, scorer=ranker.SCORER_LINEAR, fallback_reason="MODEL_SERVER_UNAVAILABLE"
            )
        purchase = ranker.ActionProbabilities(action=ranker.ACTION_PURCHASE, probabilities=values)
        return ranker.ScoreItemsResponse(
            values=values, actions=[purchase], scorer=ranker.SCORER_MODEL, model_version="model-1"
        )

    async def EncodeUser(self, request: ranker.EncodeUserRequest, context: Any) -> Any:
        await self.behavior.enter(context, "EncodeUser")
        return ranker.EncodeUserResponse(vector=[0.5, 0.25], model_version="model-1")
