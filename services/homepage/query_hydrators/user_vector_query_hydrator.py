from collections.abc import Mapping

from services.common.timestamps import millis_to_timestamp
from services.homepage.clients.ranker_client import Ranker
from services.homepage.pipeline.stages import QueryHydrator
from services.homepage.query import Query
from vitrine.ranker.v1.ranker_service_pb2 import EncodeUserRequest


class UserVectorQueryHydrator(QueryHydrator):
    """Adds the visitor as the behavior model's vector. Without it the embedding source does with the items'."""

    share = 0.2
    dependency = "RANKER"
    owns = frozenset({"user_vector", "user_vector_version"})

    def __init__(self, ranker: Ranker) -> None:
        self._ranker = ranker

    def enable(self, query: Query) -> bool:
        return query.personal and bool(query.user.recent.item_nos) and not query.parameters.linear_only

    async def hydrate(self, query: Query, seconds: float) -> Mapping[str, object]:
        request = EncodeUserRequest(
            user=query.user, query_time=millis_to_timestamp(query.query_millis), model=query.parameters.model
        )
        response = await self._ranker.encode_user(request, seconds)
        return {"user_vector": tuple(response.vector), "user_vector_version": response.model_version}
