import asyncio

import structlog

from services.common.errors import VitrineError
from services.common.feature_digests import feature_snapshot
from services.homepage.clients.events_client import EventLog
from services.homepage.degradation import step_name
from services.homepage.metrics import HomepageMetrics
from services.homepage.pipeline.stages import SideEffect
from services.homepage.query import Query
from vitrine.events.v1 import event_service_pb2
from vitrine.homepage.v1 import page_pb2

_BATCH = 100
_TIMEOUT_SECONDS = 2.0
_RETRY_SECONDS = 1.0

_logger = structlog.get_logger(__name__)


class PageLogSideEffect(SideEffect):
    """Hands served pages to the page log, in the background and in batches.

    The queue is bounded: where the log cannot keep up, the oldest pages are lost, and counted. Nothing is logged of a
    visitor whose stored consent is not known, or does not allow it.
    """

    def __init__(self, log: EventLog, metrics: HomepageMetrics, *, capacity: int) -> None:
        self._log = log
        self._metrics = metrics
        self._capacity = capacity
        self._queue: asyncio.Queue[event_service_pb2.PageRecord] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def enable(self, query: Query) -> bool:
        return query.personal and query.consent_known and not query.unlogged and not query.replayed

    def run(self, query: Query, page: page_pb2.Page) -> None:
        while self._queue.qsize() >= self._capacity:
            self._queue.get_nowait()
            self._metrics.pages_not_logged(1)
        self._queue.put_nowait(_record(query, page))

    def start(self) -> None:
        """Begins to hand pages over."""
        self._task = asyncio.create_task(self._hand_over())

    async def stop(self) -> None:
        """Tries once to hand over what waits, then ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        while batch := self._waiting():
            if not await self._store(batch):
                self._metrics.pages_not_logged(len(batch) + self._queue.qsize())
                return

    async def _hand_over(self) -> None:
        while True:
            batch = [await self._queue.get(), *self._waiting(_BATCH - 1)]
            stored = await self._store(batch)
            while not stored:
                await asyncio.sleep(_RETRY_SECONDS)
                stored = await self._store(batch)

    async def _store(self, batch: list[event_service_pb2.PageRecord]) -> bool:
        """Returns whether the batch is done with: stored, or refused for good."""
        try:
            await self._log.log_pages(batch, _TIMEOUT_SECONDS)
        except VitrineError as error:
            if error.code.name != "INVALID_ARGUMENT":
                return False
            self._metrics.pages_not_logged(len(batch))
            _logger.error("pages_refused_by_log", count=len(batch), error=error.message)
        return True

    def _waiting(self, limit: int = _BATCH) -> list[event_service_pb2.PageRecord]:
        return [self._queue.get_nowait() for _ in range(min(limit, self._queue.qsize()))]


def _record(query: Query, page: page_pb2.Page) -> event_service_pb2.PageRecord:
    return event_service_pb2.PageRecord(
        page_id=page.page_id,
        visitor=query.visitor,
        serve_time=page.serve_time,
        shelves=[
            event_service_pb2.ShelfRecord(
                shelf_id=shelf.shelf_id,
                kind=page_pb2.ShelfKind.Name(shelf.kind).removeprefix("SHELF_KIND_"),
                item_ids=[card.item.item_id for card in shelf.cards],
            )
            for shelf in page.shelves
        ],
        model_version=page.versions.model_version,
        degradation_step=step_name(page.degradation_step),
        features=feature_snapshot(query.user),
        experiments=[f"{entry.experiment}={entry.bucket}" for entry in page.experiments],
    )
