from collections.abc import Mapping

from services.homepage.clients.features_client import ID_ONLY, Features
from services.homepage.pipeline.stages import QueryHydrator
from services.homepage.query import Query


class ExcludedItemsQueryHydrator(QueryHydrator):
    """Adds the numbers of the items that the request leaves out. The last check of the cards knows their ids, too."""

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
