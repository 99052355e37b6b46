"""Renders filled shelves as the contract's shelves."""

from collections.abc import Sequence
from typing import TypeAlias

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from services.common.signing import Signer
from services.common.timestamps import millis_to_timestamp
from services.homepage.cards.card_loader import FilledShelf, LoadedItems
from services.homepage.cards.card_renderer import CardRenderer, Cards
from services.homepage.locales.texts import reason_text, title_of
from services.homepage.pages.planned_page import PageHeader, PlannedPage, PlannedShelf
from services.homepage.pinned_pages import CURSOR, PinnedPages
from vitrine.homepage.v1 import page_pb2

Shelves: TypeAlias = RepeatedCompositeFieldContainer[page_pb2.Shelf]


class PageRenderer:
    """Renders parts of pages: titles, cards, links, cursors. Messages are filled in place."""

    def __init__(self, signer: Signer, pinned_pages: PinnedPages) -> None:
        self._signer = signer
        self._pinned_pages = pinned_pages

    def add_cards(self, cards: Cards, header: PageHeader, shelf: FilledShelf, loaded: LoadedItems) -> None:
        """Adds the next cards of one shelf."""
        CardRenderer(self._signer, header, loaded.items).add_cards(cards, shelf.planned, shelf.rows)

    def cursor(self, header: PageHeader, rest: PlannedShelf) -> str:
        """Returns the cursor of a shelf's rest; empty if nothing is left."""
        if not rest.item_nos:
            return ""
        return self._pinned_pages.seal(PlannedPage(header, [rest]), CURSOR)

    def add_shelves(
        self, shelves: Shelves, header: PageHeader, filled: Sequence[FilledShelf], loaded: LoadedItems
    ) -> list[page_pb2.Shelf]:
        """Adds the shelves to show; returns those left with too few cards."""
        renderer = CardRenderer(self._signer, header, loaded.items)
        dropped: list[page_pb2.Shelf] = []
        for entry in filled:
            planned = entry.planned
            if len(entry.rows) < planned.minimum_cards and not planned.categories:
                status = page_pb2.ShelfStatus(state=page_pb2.SHELF_STATE_DROPPED, reason="TOO_FEW_CARDS")
                dropped.append(page_pb2.Shelf(shelf_id=planned.shelf_id, kind=planned.kind, status=status))
                continue
            shelf = shelves.add(
                shelf_id=planned.shelf_id, kind=planned.kind, reason=planned.reason, status=planned.status
            )
            renderer.add_evidence(shelf.reason, planned.evidence_item_no)
            shelf.reason.text = reason_text(header.language, shelf.reason)
            shelf.title = title_of(header.language, shelf)
            renderer.add_cards(shelf.cards, planned, entry.rows)
            _add_links(renderer, header, planned, shelf)
            shelf.cursor = self.cursor(header, entry.rest)
        return dropped


def write_header(page: page_pb2.Page, header: PageHeader) -> None:
    """Fills the data of the whole page."""
    page.page_id = header.page_id
    page.serve_time.CopyFrom(millis_to_timestamp(header.serve_millis))
    page.degradation_step = header.step
    page.degradation_reasons.extend(header.degradation_reasons)
    for name, bucket in header.experiments:
        page.experiments.add(experiment=name, bucket=bucket)
    page.versions.CopyFrom(header.versions)


def _add_links(renderer: CardRenderer, header: PageHeader, planned: PlannedShelf, shelf: page_pb2.Shelf) -> None:
    shelf.categories.extend(planned.categories)
    for position, link in enumerate(shelf.categories):
        link.reason.text = reason_text(header.language, link.reason)
        link.tracking_token = renderer.token(planned.shelf_id, position)
