from typing import TYPE_CHECKING, Final, NamedTuple

import grpc

from services.common.channels import answers_of
from services.common.errors import UnavailableError
from services.common.rpc_status import from_rpc_error
from services.common.visitors import visitor_from_key
from vitrine.events.v1.consent_pb2 import SetConsentRequest
from vitrine.events.v1.event_service_pb2 import (
    DeleteUserRequest,
    GetLogStatusRequest,
    ListUserEventsRequest,
    PartitionOffset,
    TailEventsRequest,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from vitrine.common.v1.visitor_pb2 import Consent
    from vitrine.events.v1.event_service_pb2 import GetLogStatusResponse, LoggedEvent, TailEventsResponse
    from vitrine.events.v1.event_service_pb2_grpc import EventServiceAsyncStub

TIMEOUT_SECONDS: Final = 10.0
EVENTS_AT_ONCE: Final = 1_000
STRETCH_EVENTS: Final = 5_000


class ErasedRows(NamedTuple):
    """What the log erased."""

    events: int
    pages: int
    quarantined: int


NOTHING: Final = ErasedRows(0, 0, 0)


class EventLog:
    """The event log as the feature store calls it, but for the tail that the materializer follows."""

    def __init__(self) -> None:
        self._stub: EventServiceAsyncStub | None = None

    def connect(self, stub: "EventServiceAsyncStub") -> None:
        """Takes the log to ask."""
        self._stub = stub

    async def erase(self, key: str, request_id: str) -> ErasedRows:
        """Erases a visitor from the log. Raises UnavailableError if it cannot be reached."""
        request = DeleteUserRequest(visitor=visitor_from_key(key), request_id=request_id)
        try:
            receipt = await self._connected().DeleteUser(request, timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise _unavailable(error) from error
        return ErasedRows(receipt.deleted_event_count, receipt.deleted_page_count, receipt.deleted_quarantine_count)

    async def set_consent(self, key: str, consent: "Consent.ValueType") -> None:
        """Sends the log a visitor's consent. Raises UnavailableError if it cannot be reached."""
        request = SetConsentRequest(visitor=visitor_from_key(key), consent=consent)
        try:
            await self._connected().SetConsent(request, timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise _unavailable(error) from error

    async def user_events(self, key: str) -> "AsyncIterator[LoggedEvent]":
        """Yields all events of a visitor, the newest first. Raises UnavailableError if the log cannot be reached."""
        request = ListUserEventsRequest(visitor=visitor_from_key(key), page_size=EVENTS_AT_ONCE)
        while True:
            try:
                response = await self._connected().ListUserEvents(request, timeout=TIMEOUT_SECONDS)
            except grpc.aio.AioRpcError as error:
                raise _unavailable(error) from error
            for event in response.events:
                yield event
            request.page_token = response.next_page_token
            if not request.page_token:
                return

    async def stretches(self, offsets: "Mapping[int, int]") -> "AsyncGenerator[TailEventsResponse, None]":
        """Yields what is in the log from offsets on, up to its present end. Raises UnavailableError like the others."""
        request = TailEventsRequest(batch_size=STRETCH_EVENTS)
        begin = [PartitionOffset(partition=partition, offset=offset) for partition, offset in offsets.items()]
        getattr(request, "from").extend(begin)  # a keyword of Python's
        try:
            async with answers_of(self._connected().TailEvents(request)) as responses:
                async for response in responses:
                    yield response
        except grpc.aio.AioRpcError as error:
            raise _unavailable(error) from error

    async def end_offsets(self) -> dict[int, int]:
        """Returns where each partition ends. Raises UnavailableError like the others."""
        return {end.partition: end.offset for end in (await self._status()).end_offsets}

    async def start_offsets(self) -> dict[int, int]:
        """Returns the oldest offset that is kept of each partition. Raises UnavailableError like the others."""
        return {start.partition: start.offset for start in (await self._status()).start_offsets}

    async def _status(self) -> "GetLogStatusResponse":
        try:
            return await self._connected().GetLogStatus(GetLogStatusRequest(), timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise _unavailable(error) from error

    def _connected(self) -> "EventServiceAsyncStub":
        if self._stub is None:
            raise UnavailableError("the service is starting; try again", reason="SERVICE_STARTING")
        return self._stub


def _unavailable(error: grpc.aio.AioRpcError) -> UnavailableError:
    return UnavailableError(
        f"the event log can't be used ({from_rpc_error(error).message}); try again", reason="EVENT_LOG_UNAVAILABLE"
    )
