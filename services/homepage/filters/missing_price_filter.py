from collections.abc import Sequence

from services.common.item_state import HAS_PRICE
from services.homepage.pipeline.candidates import Candidates, Removal
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query


class MissingPriceFilter(Filter):
    """Removes products without a price."""

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        return [Removal(~candidates.item_states.has(HAS_PRICE), "NO_PRICE")]
