from collections.abc import Sequence

from services.common.item_state import IN_STOCK
from services.homepage.pipeline.candidates import Candidates, Removal
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query


class OutOfStockFilter(Filter):
    """Removes items that cannot be sold at present."""

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        return [Removal(~candidates.item_states.has(IN_STOCK), "OUT_OF_STOCK")]
