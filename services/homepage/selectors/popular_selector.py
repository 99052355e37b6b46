from collections.abc import Sequence
from typing import Final

from services.homepage.layouts.layout import ShelfDefinition
from services.homepage.pipeline.candidates import Candidates, Mask
from services.homepage.pipeline.stages import Draft, Selector
from services.homepage.query import Query
from services.homepage.selectors.ranking import by_value
from vitrine.homepage.v1 import reason_pb2

POPULAR: Final = "popular"


class PopularSelector(Selector):
    """What many take up at present, in the visitor's order."""

    def select(
        self, query: Query, candidates: Candidates, available: Mask, definition: ShelfDefinition
    ) -> Sequence[Draft]:
        ranked = by_value(candidates, candidates.proposed_by(POPULAR) & available)
        return [Draft(ranked, reason_kind=reason_pb2.REASON_KIND_POPULAR, source=POPULAR)]
