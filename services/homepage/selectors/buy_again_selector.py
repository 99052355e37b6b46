from collections.abc import Sequence
from typing import Final

from services.homepage.layouts.layout import ShelfDefinition
from services.homepage.pipeline.candidates import Candidates, Mask
from services.homepage.pipeline.stages import Draft, Selector
from services.homepage.query import Query
from services.homepage.selectors.ranking import by_value
from vitrine.homepage.v1 import reason_pb2

BUY_AGAIN: Final = "buy_again"


class BuyAgainSelector(Selector):
    """What the visitor buys regularly, by value."""

    def enable(self, query: Query) -> bool:
        return query.personal

    def select(
        self, query: Query, candidates: Candidates, available: Mask, definition: ShelfDefinition
    ) -> Sequence[Draft]:
        ranked = by_value(candidates, candidates.proposed_by(BUY_AGAIN) & available)
        return [Draft(ranked, reason_kind=reason_pb2.REASON_KIND_YOU_BUY_REGULARLY, source=BUY_AGAIN)]
