from collections.abc import Mapping

import numpy as np

from services.homepage.clients.columns import column
from services.homepage.clients.features_client import Features
from services.homepage.pipeline.candidates import Candidates, ItemStates
from services.homepage.pipeline.stages import Hydrator
from services.homepage.query import Query
from vitrine.homepage.v1 import page_pb2


class ItemStatesHydrator(Hydrator):
    """Adds the item states, without which nothing may be shown and the page is the static one."""

    share = 0.4
    dependency = "FEATURES"
    failure_step = page_pb2.DEGRADATION_STEP_STATIC
    owns = frozenset({"states"})

    def __init__(self, features: Features) -> None:
        self._features = features

    async def hydrate(self, query: Query, candidates: Candidates, seconds: float) -> Mapping[str, object]:
        response = await self._features.item_states(candidates.item_nos.tolist(), seconds)
        count = len(candidates)
        states = ItemStates(
            flags=column(response.flags, np.uint32, count),
            available_from_millis=column(response.available_from_millis, np.int64, count),
            available_until_millis=column(response.available_until_millis, np.int64, count),
            minimum_ages=column(response.minimum_ages, np.uint32, count),
            group_nos=column(response.group_nos, np.uint32, count),
            category_nos=column(response.category_nos, np.uint32, count),
            brand_nos=column(response.brand_nos, np.uint32, count),
            prices=column(response.prices, np.float32, count),
            kinds=column(response.kinds, np.int32, count),
        )
        return {"states": states}
