from typing import ClassVar

from services.candidates.proposals import Proposals, nothing
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.candidates.sources.neighbor_aggregation import neighbor_aggregation


class ThenBought:
    """Items that users turn to after those of this visitor's history: directed co-occurrence.

    See `neighbor_aggregation` for the formula.
    """

    name: ClassVar[str] = "then_bought"
    quota: ClassVar[int] = 120
    weight: ClassVar[float] = 1.2

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return "" if self._inputs.next_items.value is not None else "the table next_items isn't loaded; run the build"

    def applies(self, query: Query) -> bool:
        return len(query.history.item_nos) > 0

    async def propose(self, query: Query, quota: int) -> Proposals:
        table = self._inputs.next_items.value
        if table is None:
            return nothing()
        item_nos, weights = query.history.strongest(self._inputs.settings.history.then_bought_items)
        return neighbor_aggregation(
            table, item_nos, weights, query, quota, minimum_users=self._inputs.settings.minimum_users
        )
