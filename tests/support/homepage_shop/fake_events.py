from typing import Any

import grpc

from services.common.errors import FieldViolation, InvalidArgumentError
from services.common.rpc_status import DETAILS_KEY, to_rpc_status
from tests.support.homepage_shop.behavior import Behavior
from vitrine.events.v1 import event_service_pb2 as events
from vitrine.events.v1.event_pb2 import Event
from vitrine.events.v1.event_service_pb2_grpc import EventServiceServicer, add_EventServiceServicer_to_server


class FakeEvents(EventServiceServicer):
    """Stores events and pages in lists; an event without an item is rejected, an empty batch refused."""

    def __init__(self) -> None:
        self.behavior = Behavior()
        self.events: list[Event] = []
        self.pages: list[events.PageRecord] = []

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds the service to `server`."""
        add_EventServiceServicer_to_server(self, server)

    async def IngestEvents(self, request: events.IngestEventsRequest, context: Any) -> Any:
        await self.behavior.enter(context, "IngestEvents")
        if not request.events:
            violation = FieldViolation("events", "is empty; send 1 to 1,000 events", "EMPTY_BATCH")
            status = to_rpc_status(InvalidArgumentError("no events", reason="EMPTY_BATCH", violations=[violation]))
            context.set_trailing_metadata(((DETAILS_KEY, status.SerializeToString()),))
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no events")
        results = []
        for index, event in enumerate(request.events):
            if event.item_id:
                self.events.append(event)
                results.append(events.EventResult(status=events.EVENT_STATUS_STORED, event_id=event.event_id))
            else:
                results.append(
                    events.EventResult(
                        status=events.EVENT_STATUS_REJECTED,
                        reason="ITEM_REQUIRED",
                        field=f"events[{index}].item_id",
                        description="is missing; send the item's id",
                    )
                )
        return events.IngestEventsResponse(results=results)

    async def LogPages(self, request: events.LogPagesRequest, context: Any) -> Any:
        await self.behavior.enter(context, "LogPages")
        self.pages.extend(request.pages)
        return events.LogPagesResponse(stored_count=len(request.pages))
