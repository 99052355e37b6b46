from collections.abc import Mapping

from services.common.consent import is_personal
from services.homepage.clients.features_client import Features
from services.homepage.pipeline.stages import QueryHydrator
from services.homepage.query import Query
from vitrine.homepage.v1 import page_pb2


class UserFeaturesQueryHydrator(QueryHydrator):
    """Adds what is known of the visitor. Without consent nothing is asked."""

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
