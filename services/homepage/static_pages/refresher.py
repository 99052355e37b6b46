"""Refreshes the static pages while all is well."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from services.common.clock import Clock
from services.common.timestamps import to_millis
from services.homepage.layouts.layout import Layout
from services.homepage.pages.page_maker import MadePage, PageMaker
from services.homepage.query import Query
from services.homepage.static_pages.static_pages import StaticPages
from vitrine.common.v1 import visitor_pb2
from vitrine.features.v1.user_features_pb2 import UserFeatures
from vitrine.homepage.v1 import page_pb2

_logger = structlog.get_logger(__name__)

# A page with a lower step doesn't replace the existing one.
_WORST_STEP = page_pb2.DEGRADATION_STEP_SOURCE_ORDER


class StaticPageRefresher:
    """Makes a page that isn't personalized for every layout: at start, then every `interval` seconds.

    After a failure it retries every `retry_interval` seconds.
    """

    def __init__(
        self,
        maker: PageMaker,
        static_pages: StaticPages,
        layouts: Sequence[Layout],
        clock: Clock,
        new_id: Callable[[], str],
        *,
        language: str,
        interval: float,
        retry_interval: float,
        seconds: float,
    ) -> None:
        self._maker = maker
        self._static_pages = static_pages
        self._layouts = layouts
        self._clock = clock
        self._new_id = new_id
        self._language = language
        self._interval = interval
        self._retry_interval = retry_interval
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts refreshing in the background."""
        self._task = asyncio.create_task(self._keep_fresh())

    async def stop(self) -> None:
        """Stops refreshing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def refresh(self) -> bool:
        """Makes all pages once; returns whether all of them were good enough to keep."""
        made = [await self._refresh(layout) for layout in self._layouts]
        return all(made)

    async def _keep_fresh(self) -> None:
        while True:
            try:
                fresh = await self.refresh()
            except Exception:  # the existing pages stay; the bug is loud in the log
                _logger.exception("static_pages_not_refreshed")
                fresh = False
            await asyncio.sleep(self._interval if fresh else self._retry_interval)

    async def _refresh(self, layout: Layout) -> bool:
        now = to_millis(self._clock.now())
        query = Query(
            page_id=self._new_id(),
            visitor=visitor_pb2.Visitor(),
            query_millis=now,
            serve_millis=now,
            layout=layout,
            language=self._language,
            consent=visitor_pb2.CONSENT_NONE,
            unlogged=True,
            user=UserFeatures(query_time_millis=now),
        )
        made = await self._maker.make(self._maker.begin(query, self._seconds))
        if not made.has_cards or made.page.degradation_step > _WORST_STEP:
            return False
        await self._static_pages.keep(layout.name, _lasting(made))
        return True


def _lasting(made: MadePage) -> page_pb2.Page:
    """Returns the page without items of limited availability, and without everything that's made per response."""
    limited = {
        entry.item.item_id for entry in made.loaded.items.values() if entry.item.HasField("available_until_time")
    }
    page = page_pb2.Page()
    page.CopyFrom(made.page)
    page.ClearField("next_page_token")
    for shelf in page.shelves:
        lasting = [card for card in shelf.cards if card.item.item_id not in limited]
        del shelf.cards[:]
        shelf.cards.extend(lasting)
        shelf.ClearField("cursor")
        for card in shelf.cards:
            card.ClearField("tracking_token")
    return page
