import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from services.events.ingestion import MAX_IMPORT_BATCH, Ingestion, PendingBatch
from vitrine.events.v1.event_service_pb2 import EventResult, EventStatus, ImportEventsRequest, ImportEventsResponse

# While one batch is committed, the next is cleaned; more in flight would gain nothing and make others wait.
_BATCHES_IN_FLIGHT: Final = 2


class Importer:
    """Imports streams of history: answers in the order of the batches, and reads no faster than the store writes."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion

    async def run(self, requests: AsyncIterable[ImportEventsRequest]) -> AsyncIterator[ImportEventsResponse]:
        """Yields an answer for each request. If a batch fails, raises its error after the earlier answers."""
        in_flight = asyncio.Semaphore(_BATCHES_IN_FLIGHT)
        batches: asyncio.Queue[PendingBatch | None] = asyncio.Queue()
        reading = asyncio.create_task(self._read(requests, batches, in_flight))
        try:
            while (batch := await batches.get()) is not None:
                yield _summary(await batch.results())
                in_flight.release()
            await reading
        finally:
            reading.cancel()

    async def _read(
        self,
        requests: AsyncIterable[ImportEventsRequest],
        batches: asyncio.Queue[PendingBatch | None],
        in_flight: asyncio.Semaphore,
    ) -> None:
        try:
            async for request in requests:
                await in_flight.acquire()
                batches.put_nowait(await self._ingestion.begin(request.events, MAX_IMPORT_BATCH, patient=True))
        finally:
            batches.put_nowait(None)


def _summary(results: list[EventResult]) -> ImportEventsResponse:
    statuses = [result.status for result in results]
    return ImportEventsResponse(
        stored_count=statuses.count(EventStatus.EVENT_STATUS_STORED),
        duplicate_count=statuses.count(EventStatus.EVENT_STATUS_DUPLICATE),
        not_kept_count=statuses.count(EventStatus.EVENT_STATUS_NOT_KEPT),
        rejected=[result for result in results if result.status == EventStatus.EVENT_STATUS_REJECTED],
    )
