from collections.abc import Sequence

import numpy as np

from services.homepage.history import History, anchors
from services.homepage.layouts.layout import ShelfDefinition
from services.homepage.pipeline.candidates import Candidates, Mask
from services.homepage.pipeline.stages import Draft, Selector
from services.homepage.query import Query
from services.homepage.selectors.ranking import by_value


class BecauseYouSelector(Selector):
    """Items related to one item of the visitor's history: the last strong action that led to enough candidates."""

    def enable(self, query: Query) -> bool:
        return query.personal and bool(query.user.recent.item_nos)

    def select(
        self, query: Query, candidates: Candidates, available: Mask, definition: ShelfDefinition
    ) -> Sequence[Draft]:
        drafts: list[Draft] = []
        taken = np.zeros(len(candidates), np.bool_)
        for item_no in anchors(query.user, query.query_millis):
            mask = led_by(candidates, item_no) & available & ~taken & (candidates.item_nos != item_no)
            if np.count_nonzero(mask) < definition.minimum_cards:
                continue
            kind = int(History(query.user).reason_kinds(np.array([item_no], np.uint32))[0])
            drafts.append(
                Draft(by_value(candidates, mask), reason_kind=kind, evidence_item_no=item_no, leads_cards=True)  # type: ignore[arg-type]  # an enum's number
            )
            taken |= mask
            if len(drafts) == definition.count:
                break
        return drafts


def led_by(candidates: Candidates, item_no: int) -> Mask:
    """Returns which candidates were proposed because of `item_no`."""
    mask = np.zeros(len(candidates), np.bool_)
    for proposed in candidates.sources.values():
        mask[proposed.indexes[proposed.evidence_item_nos == item_no]] = True
    return mask
