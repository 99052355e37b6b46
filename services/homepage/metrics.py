"""The homepage's own metrics; latencies of whole calls come from the kit."""

import functools

from services.common.telemetry.declarations import (
    HOMEPAGE_CARDS,
    HOMEPAGE_PAGES,
    HOMEPAGE_PAGES_NOT_LOGGED,
    HOMEPAGE_STATIC_PAGES_EXPIRED,
    HOMEPAGE_UNIT_OUTCOMES,
    HOMEPAGE_UNIT_SECONDS,
)
from services.common.telemetry.metrics import Metrics
from services.homepage.degradation import step_name
from services.homepage.pipeline.run import Trace
from vitrine.homepage.v1 import page_pb2


class HomepageMetrics:
    """Counts pages, their cards and the outcomes of their units."""

    def __init__(self, metrics: Metrics) -> None:
        self._pages = metrics.counter(HOMEPAGE_PAGES)
        self._cards = metrics.counter(HOMEPAGE_CARDS)
        # Looking up a labeled metric costs more than counting with it, and a page has about thirty units.
        self._outcome = functools.cache(metrics.counter(HOMEPAGE_UNIT_OUTCOMES).labels)
        self._seconds = functools.cache(metrics.histogram(HOMEPAGE_UNIT_SECONDS).labels)
        self._not_logged = metrics.counter(HOMEPAGE_PAGES_NOT_LOGGED)
        self._expired = metrics.counter(HOMEPAGE_STATIC_PAGES_EXPIRED)

    def unit_ran(self, trace: Trace) -> None:
        """Records one unit's run."""
        self._outcome(trace.unit, trace.outcome).inc()
        if trace.outcome != "not_enabled":
            self._seconds(trace.unit).observe(trace.seconds)

    def page_served(self, page: page_pb2.Page) -> None:
        """Counts a page, and its cards by shelf kind."""
        self._pages.labels(step_name(page.degradation_step)).inc()
        for shelf in page.shelves:
            kind = page_pb2.ShelfKind.Name(shelf.kind).removeprefix("SHELF_KIND_")
            self._cards.labels(kind).inc(len(shelf.cards))

    def pages_not_logged(self, count: int) -> None:
        """Counts pages that the page log will never see."""
        self._not_logged.inc(count)

    def static_page_expired(self) -> None:
        """Counts a static page that was too old to load or to serve."""
        self._expired.inc()
