"""More cards of a shelf: the pinned items, as they are now."""

from dataclasses import replace

from services.common.clock import Clock
from services.common.errors import UnavailableError, VitrineError
from services.common.paging import page_size
from services.common.timestamps import to_millis
from services.common.validation import Violations
from services.homepage.cards.admission import Admission
from services.homepage.cards.card_loader import CardLoader
from services.homepage.pages.page_renderer import PageRenderer
from services.homepage.pinned_pages import CURSOR, PinnedPages, malformed
from services.homepage.requests.bounds import MAX_CARDS
from vitrine.homepage.v1 import homepage_service_pb2 as homepage

_DEFAULT_SIZE = 20


class ShelfScroller:
    """Continues shelves from cursors."""

    def __init__(
        self, card_loader: CardLoader, renderer: PageRenderer, pinned_pages: PinnedPages, clock: Clock
    ) -> None:
        self._card_loader = card_loader
        self._renderer = renderer
        self._pinned_pages = pinned_pages
        self._clock = clock

    async def scroll(self, request: homepage.ListShelfItemsRequest, seconds: float) -> homepage.ListShelfItemsResponse:
        """Returns the next cards. Raises InvalidArgumentError, or UnavailableError if items can't be loaded."""
        violations = Violations()
        violations.required("cursor", request.cursor, "send Shelf.cursor, or next_cursor of the previous response")
        size = page_size(request.page_size, default=_DEFAULT_SIZE, largest=MAX_CARDS, violations=violations)
        violations.raise_if_any()
        now = to_millis(self._clock.now())
        page, _ = self._pinned_pages.open(request.cursor, CURSOR, "cursor", now)
        if len(page.shelves) != 1:
            raise malformed("cursor")
        shelf = replace(page.shelves[0], card_limit=size)
        try:
            filled, loaded = await self._card_loader.fill([shelf], Admission(now, page.header.visitor_age), seconds)
        except VitrineError as error:
            raise UnavailableError(
                "the items can't be loaded right now; send the same cursor again in a moment",
                reason="FEATURES_UNAVAILABLE",
            ) from error
        [entry] = filled
        response = homepage.ListShelfItemsResponse(next_cursor=self._renderer.cursor(page.header, entry.rest))
        self._renderer.add_cards(response.cards, page.header, entry, loaded)
        return response
