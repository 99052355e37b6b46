"""Every page is stored or counted, whatever the log does."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.common.errors import (
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnavailableError,
)
from services.common.telemetry.metrics import Metrics
from services.homepage.metrics import HomepageMetrics
from services.homepage.page_log import PageLogSideEffect
from tests.unit.homepage.columns import query
from vitrine.events.v1.event_service_pb2 import PageRecord
from vitrine.homepage.v1 import page_pb2

Pages = Sequence[PageRecord]


class FakeLog:
    """Stores pages; fails if `fault` returns an error for a batch, and hangs while `hangs`."""

    def __init__(self, fault: Callable[[Pages], Exception | None] = lambda pages: None) -> None:
        self.fault = fault
        self.hangs = False
        self.calls = 0
        self.batches: list[int] = []
        self.page_ids: list[str] = []
        self.called = asyncio.Event()

    async def ingest(self, batch: Any, seconds: float) -> Any:
        raise NotImplementedError

    async def log_pages(self, pages: Pages, seconds: float) -> None:
        self.calls += 1
        self.called.set()
        if self.hangs:
            await asyncio.Event().wait()
        if (error := self.fault(pages)) is not None:
            raise error
        self.batches.append(len(pages))
        self.page_ids += [page.page_id for page in pages]


class Harness:
    """A page log that retries at once, and what it lost."""

    def __init__(self, log: FakeLog, capacity: int = 1000) -> None:
        metrics = Metrics("homepage")
        self._registry: CollectorRegistry = metrics.registry
        self._log = log
        self.page_log = PageLogSideEffect(log, HomepageMetrics(metrics), capacity=capacity, retry_seconds=0)

    def serve(self, *page_ids: str) -> None:
        for page_id in page_ids:
            self.page_log.run(query(), page_pb2.Page(page_id=page_id))

    @property
    def lost(self) -> float:
        return self._registry.get_sample_value("vitrine_homepage_unlogged_pages_total") or 0.0

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not done():  # noqa: ASYNC110  # the fake log knows no event for it
                await asyncio.sleep(0)


def numbered(count: int, start: int = 0) -> list[str]:
    return [str(number) for number in range(start, start + count)]


def rejects(page_id: str, error: Exception) -> Callable[[Pages], Exception | None]:
    """Fails every batch with that page in it."""
    return lambda pages: error if any(page.page_id == page_id for page in pages) else None


async def test_pages_go_in_batches_and_the_oldest_are_dropped_first() -> None:
    log = FakeLog()
    shop = Harness(log, capacity=250)
    shop.serve(*numbered(260))
    shop.page_log.start()
    await shop.until(lambda: len(log.page_ids) == 250)
    await shop.page_log.stop()
    assert log.page_ids == numbered(250, start=10)
    assert log.batches == [90, 100, 60]
    assert shop.lost == 10


@pytest.mark.parametrize(
    "error",
    [
        InvalidArgumentError("bad"),
        PermissionDeniedError("no"),
        InternalError("broken"),
        ResourceExhaustedError("too large"),
        DeadlineExceededError("slow"),
        UnavailableError("it crashed"),
        ValueError("a bug"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_one_bad_page_does_not_block_the_others(error: Exception) -> None:
    log = FakeLog(rejects("bad", error))
    shop = Harness(log)
    shop.serve("bad", *numbered(250))
    shop.page_log.start()
    await shop.until(lambda: shop.lost > 0)
    await shop.page_log.stop()
    bad_batch = 1 if isinstance(error, ResourceExhaustedError) else 100
    assert shop.lost == bad_batch
    assert len(log.page_ids) == 251 - bad_batch
    assert log.calls < 30


@pytest.mark.parametrize("error", [UnavailableError("gone"), DeadlineExceededError("slow")])
async def test_an_outage_costs_no_page_that_fits_into_the_queue(error: Exception) -> None:
    log = FakeLog(lambda pages: error)
    shop = Harness(log)
    shop.serve(*numbered(250))
    shop.page_log.start()
    await shop.until(lambda: log.calls > 50)
    log.fault = lambda pages: None
    await shop.until(lambda: len(log.page_ids) == 250)
    await shop.page_log.stop()
    assert shop.lost == 0
    assert sorted(log.page_ids, key=int) == numbered(250)


@pytest.mark.parametrize("error", [UnavailableError("gone"), InvalidArgumentError("bad"), InternalError("broken")])
async def test_pages_that_cannot_be_logged_at_the_end_are_counted(error: Exception) -> None:
    log = FakeLog(lambda pages: error)
    shop = Harness(log)
    shop.serve(*numbered(250))
    shop.page_log.start()
    await shop.page_log.stop()
    assert shop.lost == 250


async def test_the_batch_in_hand_is_not_lost_when_the_service_stops() -> None:
    log = FakeLog()
    log.hangs = True
    shop = Harness(log)
    shop.serve(*numbered(3))
    shop.page_log.start()
    await log.called.wait()
    log.hangs = False
    await shop.page_log.stop()
    assert log.page_ids == numbered(3)
    assert shop.lost == 0


async def test_the_batch_in_hand_is_counted_when_the_log_is_down_at_the_end() -> None:
    log = FakeLog(lambda pages: UnavailableError("gone"))
    log.hangs = True
    shop = Harness(log)
    shop.serve(*numbered(3))
    shop.page_log.start()
    await log.called.wait()
    log.hangs = False
    await shop.page_log.stop()
    assert shop.lost == 3


def test_consent_and_request_decide_what_is_logged() -> None:
    page_log = Harness(FakeLog()).page_log
    assert page_log.enable(query(consent_known=True))
    assert not page_log.enable(query())  # the stored consent may forbid it
    assert not page_log.enable(query(consent_known=True, unlogged=True))
    assert not page_log.enable(query(consent_known=True, consent=1))
    assert not page_log.enable(query(consent_known=True, serve_millis=1))
