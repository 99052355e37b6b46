"""Events, and calls to the event log, as tests write them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vitrine.events.v1.event_pb2 import Event, EventType
from vitrine.events.v1.event_service_pb2 import (
    EventResult,
    EventStatus,
    IngestEventsRequest,
    LoggedEvent,
    PartitionOffset,
    TailEventsRequest,
)

if TYPE_CHECKING:
    from vitrine.events.v1.event_service_pb2_grpc import EventServiceAsyncStub as EventLog
else:  # at run time there is one stub for both kinds of channels
    from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub as EventLog

__all__ = ["EventLog", "assert_contiguous", "ingest", "statuses", "tail_request", "view", "whole_log"]


def view(event_id: str, user_id: str = "user-1", **fields: Any) -> Event:
    """A user's view of an item."""
    event = Event(event_id=event_id, type=EventType.EVENT_TYPE_VIEW, item_id="item-1")
    event.visitor.user_id = user_id
    event.MergeFrom(Event(**fields))
    return event


async def ingest(log: EventLog, *events: Event) -> Sequence[EventResult]:
    """Sends one batch; returns its results."""
    return (await log.IngestEvents(IngestEventsRequest(events=events), timeout=10)).results


def statuses(results: Sequence[EventResult]) -> list[str]:
    """The results' statuses without their prefix."""
    return [EventStatus.Name(result.status).removeprefix("EVENT_STATUS_") for result in results]


def tail_request(
    places: Sequence[PartitionOffset] = (), *, follow: bool = False, batch_size: int = 0
) -> TailEventsRequest:
    """A request to tail the log from `places`; the field's name is a keyword of Python."""
    fields: dict[str, Any] = {"from": places}
    return TailEventsRequest(follow=follow, batch_size=batch_size, **fields)


async def whole_log(log: EventLog, places: Sequence[PartitionOffset] = (), batch_size: int = 0) -> list[LoggedEvent]:
    """Reads from `places` to the end."""
    request = tail_request(places, batch_size=batch_size)
    return [event async for answer in log.TailEvents(request, timeout=30) for event in answer.events]


def assert_contiguous(events: Sequence[LoggedEvent]) -> None:
    """Fails unless the events of each partition are there from offset 0 on, in order, each once."""
    seen: dict[int, int] = {}
    for event in events:
        assert event.offset == seen.get(event.partition, 0)
        seen[event.partition] = event.offset + 1
