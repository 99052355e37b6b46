"""From filled shelves to the contract's shelves."""

from collections.abc import Sequence

from services.common.signing import Signer
from services.homepage.cards.card_renderer import CardRenderer
from services.homepage.cards.stock import FilledShelf, Stock
from services.homepage.cursors.pinned_pages import CURSOR, PinnedPages
from services.homepage.locales.texts import reason_text, title_of
from services.homepage.pages.planned_page import PageHeader, PlannedPage, PlannedShelf
from vitrine.homepage.v1 import page_pb2


class PageRenderer:
    """Renders parts of pages: titles, cards, links, cursors."""

    def __init__(self, signer: Signer, pinned_pages: PinnedPages) -> None:
        self._signer = signer
        self._pinned_pages = pinned_pages

    def cards(self, header: PageHeader, shelf: FilledShelf, stock: Stock) -> list[page_pb2.Card]:
        """Returns the cards of one shelf's stretch."""
        return CardRenderer(self._signer, header, stock.items).cards(shelf.planned, shelf.rows)

    def cursor(self, header: PageHeader, rest: PlannedShelf) -> str:
        """Returns the cursor of what a shelf goes on with; empty where it has nothing left."""
        if not rest.item_nos:
            return ""
        return self._pinned_pages.seal(PlannedPage(header, [rest]), CURSOR)

    def shelves(
        self, header: PageHeader, filled: Sequence[FilledShelf], stock: Stock
    ) -> tuple[list[page_pb2.Shelf], list[page_pb2.Shelf]]:
        """Returns the shelves to show, and those that lost too many cards on the way."""
        renderer = CardRenderer(self._signer, header, stock.items)
        shown: list[page_pb2.Shelf] = []
        dropped: list[page_pb2.Shelf] = []
        for entry in filled:
            planned = entry.planned
            shelf = page_pb2.Shelf(shelf_id=planned.shelf_id, kind=planned.kind, reason=planned.reason)
            if len(entry.rows) < planned.minimum_cards and not planned.categories:
                shelf.status.state = page_pb2.SHELF_STATE_DROPPED
                shelf.status.reason = "TOO_FEW_CARDS"
                dropped.append(shelf)
                continue
            renderer.add_evidence(shelf.reason, planned.evidence_item_no)
            shelf.reason.text = reason_text(header.language, shelf.reason)
            shelf.title = title_of(header.language, shelf)
            shelf.status.CopyFrom(planned.status)
            shelf.cards.extend(renderer.cards(planned, entry.rows))
            shelf.categories.extend(_links(renderer, header, planned))
            shelf.cursor = self.cursor(header, entry.rest)
            shown.append(shelf)
        return shown, dropped


def _links(renderer: CardRenderer, header: PageHeader, planned: PlannedShelf) -> list[page_pb2.CategoryLink]:
    links: list[page_pb2.CategoryLink] = []
    for position, category in enumerate(planned.categories):
        link = page_pb2.CategoryLink()
        link.CopyFrom(category)
        link.reason.text = reason_text(header.language, link.reason)
        link.tracking_token = renderer.token(planned.shelf_id, position)
        links.append(link)
    return links
