"""Query hydrators: what the page's query is completed with before candidates are retrieved."""

from collections.abc import Mapping

from services.common.consent import is_personal
from services.common.timestamps import millis_to_timestamp
from services.homepage.category_tree import CategoryTree
from services.homepage.clients.features_client import ID_ONLY, Features
from services.homepage.clients.ranker_client import Ranker
from services.homepage.clients.refreshed import Refreshed
from services.homepage.pipeline.stages import QueryHydrator
from services.homepage.query import Query
from vitrine.homepage.v1 import page_pb2
from vitrine.ranker.v1.ranker_service_pb2 import EncodeUserRequest


class UserFeaturesQueryHydrator(QueryHydrator):
    """Adds the visitor's features. Without consent they aren't requested."""

    share = 0.35
    dependency = "FEATURES"
    failure_step = page_pb2.DEGRADATION_STEP_UNPERSONAL
    owns = frozenset({"user", "consent_known"})

    def __init__(self, features: Features) -> None:
        self._features = features

    def enable(self, query: Query) -> bool:
        return is_personal(query.consent)

    async def hydrate(self, query: Query, seconds: float) -> Mapping[str, object]:
        user = await self._features.user_features(query.visitor, query.query_millis, query.consent, seconds)
        return {"user": user, "consent_known": True}


class CategoryTreeQueryHydrator(QueryHydrator):
    """Adds the category tree, which all pages share. Without it the page has no category shelves."""

    share = 0.25
    dependency = "FEATURES"
    owns = frozenset({"categories"})

    def __init__(self, tree: Refreshed[CategoryTree]) -> None:
        self._tree = tree

    async def hydrate(self, query: Query, seconds: float) -> Mapping[str, object]:
        return {"categories": await self._tree.get()}


class ExcludedItemsQueryHydrator(QueryHydrator):
    """Adds the numbers of the items that the request excludes. The last check of the cards also knows their ids."""

    share = 0.25
    dependency = "FEATURES"
    owns = frozenset({"excluded_item_nos"})

    def __init__(self, features: Features) -> None:
        self._features = features

    def enable(self, query: Query) -> bool:
        return bool(query.excluded_item_ids)

    async def hydrate(self, query: Query, seconds: float) -> Mapping[str, object]:
        items = await self._features.items([], seconds, item_ids=sorted(query.excluded_item_ids), read_mask=ID_ONLY)
        return {"excluded_item_nos": frozenset(item.item_no for item in items)}


class UserVectorQueryHydrator(QueryHydrator):
    """Adds the behavior model's vector of the visitor. Without it the embedding source uses the items' vectors."""

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
