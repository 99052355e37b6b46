from collections.abc import Sequence

from services.common.item_state import HIDDEN
from services.homepage.pipeline.candidates import Candidates, Removal
from services.homepage.pipeline.stages import Filter
from services.homepage.query import Query


class HiddenItemFilter(Filter):
    """Removes items that the shop does not want shown."""

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        return [Removal(candidates.item_states.has(HIDDEN), "HIDDEN")]
