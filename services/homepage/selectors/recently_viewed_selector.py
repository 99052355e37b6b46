from collections.abc import Sequence
from typing import Final

from services.homepage.layouts.layout import ShelfDefinition
from services.homepage.pipeline.candidates import Candidates, Mask
from services.homepage.pipeline.stages import Draft, Selector
from services.homepage.query import Query
from services.homepage.selectors.ranking import by_source
from vitrine.homepage.v1 import reason_pb2

RECENTLY_VIEWED: Final = "recently_viewed"


class RecentlyViewedSelector(Selector):
    """What the visitor looked at, the last first."""

    def enable(self, query: Query) -> bool:
        return query.personal

    def select(
        self, query: Query, candidates: Candidates, available: Mask, definition: ShelfDefinition
    ) -> Sequence[Draft]:
        ranked = by_source(candidates, RECENTLY_VIEWED, available)
        kind = reason_pb2.REASON_KIND_YOU_VIEWED_THIS
        return [Draft(ranked, reason_kind=kind, source=RECENTLY_VIEWED, leads_cards=True)]
