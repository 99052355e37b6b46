from collections.abc import Mapping

from services.homepage.category_tree import CategoryTree
from services.homepage.clients.refreshed import Refreshed
from services.homepage.pipeline.stages import QueryHydrator
from services.homepage.query import Query


class CategoryTreeQueryHydrator(QueryHydrator):
    """Adds the category tree, which all pages share. Without it the page has no category shelves."""

    share = 0.25
    dependency = "FEATURES"
    owns = frozenset({"categories"})

    def __init__(self, tree: Refreshed[CategoryTree]) -> None:
        self._tree = tree

    async def hydrate(self, query: Query, seconds: float) -> Mapping[str, object]:
        return {"categories": await self._tree.get()}
