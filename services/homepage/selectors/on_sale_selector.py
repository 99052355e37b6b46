from collections.abc import Sequence
from typing import Final

from services.common.item_state import REDUCED
from services.homepage.layouts.layout import ShelfDefinition
from services.homepage.pipeline.candidates import Candidates, Mask
from services.homepage.pipeline.stages import Draft, Selector
from services.homepage.query import Query
from services.homepage.selectors.ranking import by_value
from vitrine.homepage.v1 import reason_pb2

ON_SALE: Final = "on_sale"


class OnSaleSelector(Selector):
    """What is reduced now, whichever source proposed it, in the visitor's order."""

    def select(
        self, query: Query, candidates: Candidates, available: Mask, definition: ShelfDefinition
    ) -> Sequence[Draft]:
        ranked = by_value(candidates, candidates.item_states.has(REDUCED) & available)
        return [Draft(ranked, reason_kind=reason_pb2.REASON_KIND_ON_SALE, source=ON_SALE, leads_cards=True)]
