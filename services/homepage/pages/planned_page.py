"""A page whose items are chosen but not loaded yet: what compositions, cursors and page tokens have in common."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from services.homepage.degradation import Step
from services.homepage.experiments import Assignment
from services.homepage.reasons.columns import ReasonColumns
from vitrine.homepage.v1 import page_pb2, reason_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHeader:
    """Data of the whole page, for every call that shows a part of it."""

    page_id: str
    serve_millis: int
    language: str
    visitor_age: int | None = None
    step: Step = page_pb2.DEGRADATION_STEP_FULL
    degradation_reasons: tuple[str, ...] = ()
    experiments: tuple[Assignment, ...] = ()
    versions: page_pb2.PageVersions = field(default_factory=page_pb2.PageVersions)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedShelf:
    """A shelf and its items in order: those of the next cards first.

    Attributes:
        position: the position of the first item's card on the shelf.
        reason: why the shelf is on the page; its evidence is `evidence_item_no`.
        reasons: of each of `item_nos`.
        card_limit: maximum number of cards per response.
        minimum_cards: with fewer cards the shelf is left out.
        categories: CATEGORY_NAVIGATION: its categories.
    """

    shelf_id: str
    kind: page_pb2.ShelfKind.ValueType
    item_nos: Sequence[int]
    reasons: ReasonColumns
    reason: reason_pb2.Reason = field(default_factory=reason_pb2.Reason)
    evidence_item_no: int = 0
    status: page_pb2.ShelfStatus = field(default_factory=lambda: page_pb2.ShelfStatus(state=page_pb2.SHELF_STATE_OK))
    position: int = 0
    card_limit: int = 12
    minimum_cards: int = 1
    categories: Sequence[page_pb2.CategoryLink] = ()

    def pick(self, rows: Sequence[int]) -> "PlannedShelf":
        """Returns the shelf with only those items."""
        return replace(
            self,
            item_nos=[self.item_nos[row] for row in rows],
            reasons=self.reasons.take(np.asarray(rows, np.intp)),
        )

    def after(self, consumed: int, shown: int) -> "PlannedShelf":
        """Returns the rest after the first `consumed` items, of which `shown` became cards."""
        return replace(
            self,
            item_nos=self.item_nos[consumed:],
            reasons=self.reasons.take(slice(consumed, None)),
            position=self.position + shown,
        )


@dataclass(frozen=True, slots=True)
class PlannedPage:
    """Shelves in order, disjoint in their items."""

    header: PageHeader
    shelves: Sequence[PlannedShelf]
