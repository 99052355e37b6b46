"""Makes pages: runs the pipeline, fills the shelves, renders them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from services.common.errors import DeadlineExceededError, VitrineError
from services.homepage.cards.admission import Admission
from services.homepage.cards.card_loader import CardLoader, FilledShelf, LoadedItems
from services.homepage.degradation import Degradation
from services.homepage.pages.funnel import funnel_of
from services.homepage.pages.page_renderer import PageRenderer, write_header
from services.homepage.pages.planned_page import PageHeader, PlannedPage, PlannedShelf
from services.homepage.pages.planner import plan
from services.homepage.pinned_pages import PAGE_TOKEN, PinnedPages
from services.homepage.pipeline.budget import Budget
from services.homepage.pipeline.executor import PipelineExecutor
from services.homepage.pipeline.run import Run, Trace
from services.homepage.query import Query
from vitrine.homepage.v1 import homepage_service_pb2 as homepage
from vitrine.homepage.v1 import page_pb2


@dataclass(frozen=True, slots=True)
class MadePage:
    """A page, its loaded items, and the run that made it."""

    response: homepage.GetHomepageResponse
    run: Run
    loaded: LoadedItems

    @property
    def page(self) -> page_pb2.Page:
        """The page in the response."""
        return self.response.page

    @property
    def has_cards(self) -> bool:
        """Whether any shelf has a card."""
        return any(shelf.cards for shelf in self.page.shelves)


class PageMaker:
    """Makes pages with the pipeline, and continues them from their tokens."""

    def __init__(
        self,
        executor: PipelineExecutor,
        card_loader: CardLoader,
        renderer: PageRenderer,
        pinned_pages: PinnedPages,
        *,
        config_version: str,
        reserve_seconds: float,
        elapsed_clock: Callable[[], float],
    ) -> None:
        self._executor = executor
        self._card_loader = card_loader
        self._renderer = renderer
        self._pinned_pages = pinned_pages
        self._config_version = config_version
        self._reserve_seconds = reserve_seconds
        self._elapsed_clock = elapsed_clock

    def begin(self, query: Query, seconds: float) -> Run:
        """Returns a run that has `seconds` from now on."""
        return Run(query, Budget(seconds, self._reserve_seconds, self._elapsed_clock))

    async def make(self, run: Run) -> MadePage:
        """Returns the page of a run. If items can't be loaded, it has no cards and the step STATIC."""
        await self._executor.execute(run)
        planned = plan(run, self._config_version)
        maximum = run.query.max_shelves or run.query.layout.maximum_shelves
        filled, loaded = await self._fill(run, planned, maximum)
        header = planned.header
        if run.ladder.step != header.step:  # the items couldn't be loaded
            header = replace(header, step=run.ladder.step, degradation_reasons=tuple(run.ladder.reasons))
        response = homepage.GetHomepageResponse()
        write_header(response.page, header)
        dropped = self._renderer.add_shelves(response.page.shelves, header, filled, loaded)
        response.page.next_page_token = self._page_token(header, planned.shelves[maximum:] if filled else [], maximum)
        if run.query.debug:
            response.page.funnel.CopyFrom(funnel_of(run, response.page.shelves, dropped, loaded))
        return MadePage(response, run, loaded)

    async def continue_page(
        self, planned: PlannedPage, maximum: int, token: str, seconds: float
    ) -> homepage.GetHomepageResponse:
        """Returns the next shelves of a page; if items can't be loaded, none, and the same token to retry with."""
        response, header = homepage.GetHomepageResponse(), planned.header
        admission = Admission(header.serve_millis, header.visitor_age)
        try:
            filled, loaded = await self._card_loader.fill(planned.shelves[:maximum], admission, seconds)
        except VitrineError as error:
            empty = page_pb2.DEGRADATION_STEP_EMPTY
            write_header(response.page, replace(header, step=empty, degradation_reasons=(lookup_failure(error),)))
            response.page.next_page_token = token
            return response
        write_header(response.page, header)
        self._renderer.add_shelves(response.page.shelves, header, filled, loaded)
        response.page.next_page_token = self._page_token(header, planned.shelves[maximum:], maximum)
        return response

    async def _fill(self, run: Run, planned: PlannedPage, maximum: int) -> tuple[list[FilledShelf], LoadedItems]:
        query = run.query
        filtered = query.item_filter.ByteSize() > 0
        admission = Admission(
            query.query_millis,
            planned.header.visitor_age,
            query.item_filter if filtered else None,
            query.excluded_item_ids,
        )
        thorough = filtered and run.ladder.step >= page_pb2.DEGRADATION_STEP_POPULAR
        start = time.perf_counter()
        outcome, reason = "ok", ""
        filled: list[FilledShelf] = []
        loaded = LoadedItems()
        try:
            filled, loaded = await self._card_loader.fill(
                planned.shelves[:maximum], admission, run.budget.remaining(), thorough=thorough
            )
        except VitrineError as error:
            outcome, reason = "failed", error.reason
            run.ladder.descend(Degradation(page_pb2.DEGRADATION_STEP_STATIC, lookup_failure(error)))
        count = sum(len(shelf.rows) for shelf in filled)
        seconds = time.perf_counter() - start
        run.traces.append(Trace("CardLoader", "hydrator", seconds, outcome, reason, len(loaded.items), count))
        return filled, loaded

    def _page_token(self, header: PageHeader, rest: Sequence[PlannedShelf], maximum: int) -> str:
        return self._pinned_pages.seal(PlannedPage(header, rest), PAGE_TOKEN, maximum) if rest else ""


def lookup_failure(error: VitrineError) -> str:
    """Returns the stable reason for items that couldn't be loaded."""
    return "FEATURES_LATE" if isinstance(error, DeadlineExceededError) else "FEATURES_UNAVAILABLE"
