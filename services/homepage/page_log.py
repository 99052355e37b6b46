import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import grpc
import structlog

from services.common.errors import InternalError, VitrineError
from services.common.feature_digests import feature_snapshot
from services.homepage.clients.events_client import EventLog
from services.homepage.degradation import step_name
from services.homepage.metrics import HomepageMetrics
from services.homepage.pipeline.stages import SideEffect
from services.homepage.query import Query
from vitrine.events.v1.event_service_pb2 import PageRecord, ShelfRecord
from vitrine.homepage.v1 import page_pb2

_BATCH: Final = 100
_TIMEOUT_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 1.0
_MAX_ATTEMPTS: Final = 5
# The log isn't there; any other error is about the batch, or about something that waiting won't change.
_OUTAGE: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})

_logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Batch:
    """Pages that are sent together. `stored_before` is the number of batches stored before its first failure."""

    pages: deque[PageRecord] = field(default_factory=deque)
    failures: int = 0
    stored_before: int = 0


class PageLogSideEffect(SideEffect):
    """Sends served pages to the page log, in the background and in batches. Every page is either stored or counted.

    A batch that fails goes behind the others, so that it blocks none of them; one that's too large is halved. It's
    dropped when the log rejects it as invalid, or after five failures unless the log itself seems to be down. The queue
    is bounded: beyond its capacity the oldest pages are dropped. Visitors whose stored consent is unknown, or doesn't
    allow it, aren't logged.
    """

    def __init__(
        self, log: EventLog, metrics: HomepageMetrics, *, capacity: int, retry_seconds: float = _RETRY_SECONDS
    ) -> None:
        self._log = log
        self._metrics = metrics
        self._capacity = capacity
        self._retry_seconds = retry_seconds
        self._batches: deque[_Batch] = deque()
        self._filled = asyncio.Event()
        self._stored = 0
        self._task: asyncio.Task[None] | None = None

    def enable(self, query: Query) -> bool:
        return query.personal and query.consent_known and not query.unlogged and not query.replayed

    def run(self, query: Query, page: page_pb2.Page) -> None:
        if sum(len(batch.pages) for batch in self._batches) >= self._capacity:
            self._drop_oldest_page()
        last = self._batches[-1] if self._batches else None
        if last is None or last.failures or len(last.pages) == _BATCH:
            last = _Batch()
            self._batches.append(last)
        last.pages.append(_record(query, page))
        self._filled.set()

    def start(self) -> None:
        """Starts sending pages."""
        self._task = asyncio.create_task(self._send_all())

    async def stop(self) -> None:
        """Tries once to send what is left, then ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        while self._batches:
            batch = self._batches.popleft()
            if (error := await self._send(batch)) is not None:
                self._drop(batch, error)
                if error.code in _OUTAGE:
                    break
        self._metrics.pages_not_logged(sum(len(batch.pages) for batch in self._batches))
        self._batches.clear()

    async def _send_all(self) -> None:
        while True:
            if not self._batches:
                self._filled.clear()
                await self._filled.wait()
            batch = self._batches.popleft()
            try:
                error = await self._send(batch)
            except asyncio.CancelledError:
                self._batches.appendleft(batch)  # the log knows a page that it has already, by its id
                raise
            if error is None:
                self._stored += 1
            else:
                self._retry_or_drop(batch, error)
                await asyncio.sleep(self._retry_seconds)

    async def _send(self, batch: _Batch) -> VitrineError | None:
        """Returns why the batch wasn't stored; None if it was."""
        try:
            await self._log.log_pages(list(batch.pages), _TIMEOUT_SECONDS)
        except VitrineError as error:
            return error
        except Exception as error:  # a bug must not end the log for the rest of the process
            _logger.exception("page_log_failed")
            return InternalError(repr(error))
        return None

    def _retry_or_drop(self, batch: _Batch, error: VitrineError) -> None:
        if not batch.failures:
            batch.stored_before = self._stored
        batch.failures += 1
        if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED and len(batch.pages) > 1:
            self._batches.extend(_halves(batch))
            return
        outage = error.code in _OUTAGE and batch.stored_before == self._stored
        if error.code is grpc.StatusCode.INVALID_ARGUMENT or (batch.failures >= _MAX_ATTEMPTS and not outage):
            self._drop(batch, error)
        else:
            self._batches.append(batch)

    def _drop(self, batch: _Batch, error: VitrineError) -> None:
        self._metrics.pages_not_logged(len(batch.pages))
        _logger.error("pages_not_logged", count=len(batch.pages), reason=error.reason, error=error.message)

    def _drop_oldest_page(self) -> None:
        self._batches[0].pages.popleft()
        if not self._batches[0].pages:
            self._batches.popleft()
        self._metrics.pages_not_logged(1)


def _halves(batch: _Batch) -> tuple[_Batch, _Batch]:
    pages = list(batch.pages)
    middle = len(pages) // 2
    first, second = deque(pages[:middle]), deque(pages[middle:])
    return _Batch(first, 1, batch.stored_before), _Batch(second, 1, batch.stored_before)


def _record(query: Query, page: page_pb2.Page) -> PageRecord:
    return PageRecord(
        page_id=page.page_id,
        visitor=query.visitor,
        serve_time=page.serve_time,
        shelves=[
            ShelfRecord(
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
