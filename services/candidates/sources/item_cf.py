from typing import ClassVar

from services.candidates.proposals import Proposals, nothing
from services.candidates.query import Query
from services.candidates.sources.along import along
from services.candidates.sources.inputs import Inputs


class ItemCf:
    """Items that users take as well as those of this visitor's history, whatever the order: see `along`."""

    name: ClassVar[str] = "item_cf"
    quota: ClassVar[int] = 120
    weight: ClassVar[float] = 1.0

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return "" if self._inputs.neighbors.value is not None else "no neighbors are loaded; run the build"

    def applies(self, query: Query) -> bool:
        return len(query.history.item_nos) > 0

    async def propose(self, query: Query, quota: int) -> Proposals:
        neighbors = self._inputs.neighbors.value
        if neighbors is None:
            return nothing()
        item_nos, weights = query.history.strongest(self._inputs.settings.history.item_cf_items)
        return along(neighbors, item_nos, weights, query, quota, minimum_users=self._inputs.settings.minimum_users)
