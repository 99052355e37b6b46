"""The homepage's client of the event log."""

from collections.abc import Callable, Sequence
from typing import Protocol

import grpc

from services.common.circuit_breaker import CircuitBreaker
from services.common.rpc_status import from_rpc_error
from services.homepage.clients.guarded_call import GuardedCall
from vitrine.events.v1 import event_service_pb2 as events
from vitrine.events.v1 import event_service_pb2_grpc
from vitrine.events.v1.event_pb2 import Event


class EventLog(Protocol):
    """The event log, as the homepage sees it. Methods raise only VitrineError."""

    async def ingest(self, batch: Sequence[Event], seconds: float) -> events.IngestEventsResponse:
        """Stores events; returns a result for each."""
        ...

    async def log_pages(self, pages: Sequence[events.PageRecord], seconds: float) -> None:
        """Stores up to 100 pages as they were served."""
        ...


class EventsClient:
    """The event log over gRPC."""

    def __init__(self, channel: grpc.aio.Channel, breaker: Callable[[], CircuitBreaker]) -> None:
        stub = event_service_pb2_grpc.EventServiceStub(channel)
        self._ingest = stub.IngestEvents
        self._log_pages = GuardedCall("LogPages", stub.LogPages, breaker())

    async def ingest(self, batch: Sequence[Event], seconds: float) -> events.IngestEventsResponse:
        # No breaker: an event that could be stored must not be refused because others couldn't.
        try:
            return await self._ingest(events.IngestEventsRequest(events=batch), timeout=seconds)
        except grpc.RpcError as error:
            raise from_rpc_error(error) from error

    async def log_pages(self, pages: Sequence[events.PageRecord], seconds: float) -> None:
        await self._log_pages(events.LogPagesRequest(pages=pages), seconds)
