"""Serves a page in any case: the pipeline's, else the last good static one, else an empty one with reasons."""

from collections.abc import Sequence

import structlog

from services.common.timestamps import millis_to_timestamp
from services.homepage.degradation import Degradation, step_name
from services.homepage.metrics import HomepageMetrics
from services.homepage.pages.page_maker import MadePage, PageMaker
from services.homepage.pipeline.run import Run
from services.homepage.pipeline.stages import SideEffect
from services.homepage.query import Query
from services.homepage.static_pages.static_pages import StaticPages
from vitrine.homepage.v1 import homepage_service_pb2 as homepage
from vitrine.homepage.v1 import page_pb2

_logger = structlog.get_logger(__name__)


class Homepage:
    """Serves homepages. It never fails, and keeps to its time."""

    def __init__(
        self,
        maker: PageMaker,
        static_pages: StaticPages,
        side_effects: Sequence[SideEffect],
        metrics: HomepageMetrics,
    ) -> None:
        self._maker = maker
        self._static_pages = static_pages
        self._side_effects = side_effects
        self._metrics = metrics

    async def serve(self, query: Query, seconds: float) -> homepage.GetHomepageResponse:
        """Returns the visitor's page within `seconds`."""
        run = self._maker.begin(query, seconds)
        try:
            made = await self._maker.make(run)
            response = made.response if made.has_cards else self._without_cards(made)
        except Exception:  # a bug must not leave the visitor without a page; it is loud in the log
            _logger.exception("page_failed", page_id=query.page_id)
            run.ladder.descend(Degradation(page_pb2.DEGRADATION_STEP_STATIC, "INTERNAL"))
            response = self._fall_back(run)
        self._metrics.page_served(response.page)
        for side_effect in self._side_effects:
            self._run(side_effect, run.query, response.page)
        return response

    def _without_cards(self, made: MadePage) -> homepage.GetHomepageResponse:
        """Returns the page without cards if there is nothing to show; otherwise a static page is better."""
        run = made.run
        if _shop_is_empty(run):
            made.page.shop_empty = True
            return made.response
        if not run.failed and run.ladder.step < page_pb2.DEGRADATION_STEP_STATIC:
            return made.response
        response = self._fall_back(run)
        if made.page.HasField("funnel"):
            response.page.funnel.CopyFrom(made.page.funnel)
        return response

    def _fall_back(self, run: Run) -> homepage.GetHomepageResponse:
        if not run.ladder.reasons:
            run.ladder.descend(Degradation(page_pb2.DEGRADATION_STEP_STATIC, "NO_CANDIDATES"))
        page = self._static_pages.answer(run.query, run.ladder.reasons)
        if page is not None:
            return homepage.GetHomepageResponse(page=page)
        run.ladder.descend(Degradation(page_pb2.DEGRADATION_STEP_EMPTY, "NO_STATIC_PAGE"))
        empty = page_pb2.Page(
            page_id=run.query.page_id,
            serve_time=millis_to_timestamp(run.query.serve_millis),
            degradation_step=run.ladder.step,
            degradation_reasons=run.ladder.reasons,
        )
        return homepage.GetHomepageResponse(page=empty)

    def _run(self, side_effect: SideEffect, query: Query, page: page_pb2.Page) -> None:
        if not side_effect.enable(query):
            return
        try:
            side_effect.run(query, page)
        except Exception:  # a side effect's failure doesn't affect the page; it is loud in the log
            _logger.exception("side_effect_failed", unit=side_effect.name, step=step_name(page.degradation_step))


def _shop_is_empty(run: Run) -> bool:
    """Returns whether the shop has nothing to show, even without this request's and visitor's exclusions."""
    query = run.query
    if run.candidates.kept.any() or query.restricts_items or query.user.disliked_item_nos:
        return False
    tree_loaded = any(trace.unit == "CategoryTreeQueryHydrator" and trace.outcome == "ok" for trace in run.traces)
    return not run.failed or (tree_loaded and query.categories.item_count == 0)
