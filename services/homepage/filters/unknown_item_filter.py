from collections.abc import Sequence

from services.common.item_state import IN_CATALOG
from services.homepage.pipeline.candidates import Candidates, Removal
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query


class UnknownItemFilter(Filter):
    """Removes items that the catalog does not know (any more)."""

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        return [Removal(~candidates.item_states.has(IN_CATALOG), "NOT_IN_CATALOG")]
