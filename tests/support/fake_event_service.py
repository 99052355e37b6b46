import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from vitrine.events.v1 import consent_pb2
from vitrine.events.v1 import event_service_pb2 as pb
from vitrine.events.v1.event_pb2 import Event
from vitrine.events.v1.event_service_pb2_grpc import EventServiceServicer, add_EventServiceServicer_to_server

Context = grpc.aio.ServicerContext[Any, Any]


class FakeEventService(EventServiceServicer):
    """An event log in memory that speaks the contract's GetLogStatus and TailEvents; it outlives its server."""

    def __init__(self, partitions: int = 2) -> None:
        self.log: list[list[pb.LoggedEvent]] = [[] for _ in range(partitions)]
        self.starts: dict[int, int] = {}
        """Of partitions whose beginning was dropped, the oldest offset that is kept."""
        self.consents: list[consent_pb2.SetConsentRequest] = []
        self._grown = asyncio.Event()

    def append(self, event: Event, *, partition: int = 0, erased: bool = False, flags: tuple[str, ...] = ()) -> None:
        """Logs an event as it is, and wakes the tails."""
        rows = self.log[partition]
        logged = pb.LoggedEvent(partition=partition, offset=len(rows), erased=erased, flags=flags)
        logged.event.CopyFrom(event)
        rows.append(logged)
        self._grown.set()
        self._grown = asyncio.Event()

    async def GetLogStatus(self, request: pb.GetLogStatusRequest, context: Context) -> pb.GetLogStatusResponse:
        ends = [pb.PartitionOffset(partition=no, offset=len(rows)) for no, rows in enumerate(self.log)]
        starts = [pb.PartitionOffset(partition=no, offset=self.starts.get(no, 0)) for no in range(len(self.log))]
        return pb.GetLogStatusResponse(end_offsets=ends, start_offsets=starts)

    async def DeleteUser(self, request: pb.DeleteUserRequest, context: Context) -> pb.DeleteUserResponse:
        erased = 0
        for rows in self.log:
            for place, logged in enumerate(rows):
                if logged.event.visitor == request.visitor:
                    rows[place] = pb.LoggedEvent(partition=logged.partition, offset=logged.offset, erased=True)
                    erased += 1
        return pb.DeleteUserResponse(deleted_event_count=erased)

    async def SetConsent(
        self, request: consent_pb2.SetConsentRequest, context: Context
    ) -> consent_pb2.SetConsentResponse:
        self.consents.append(request)
        return consent_pb2.SetConsentResponse()

    async def TailEvents(self, request: pb.TailEventsRequest, context: Context) -> AsyncIterator[pb.TailEventsResponse]:
        places = {start.partition: start.offset for start in getattr(request, "from")}
        while True:
            grown = self._grown
            response = pb.TailEventsResponse()
            for partition, place in places.items():
                room = request.batch_size - len(response.events)
                response.events.extend(self.log[partition][place : place + room])
                places[partition] = min(place + room, len(self.log[partition]))
            response.next_offsets.extend(pb.PartitionOffset(partition=p, offset=o) for p, o in places.items())
            response.caught_up = all(places[p] == len(self.log[p]) for p in places)
            yield response
            if response.caught_up:
                if not request.follow:
                    return
                await grown.wait()


async def serve_fake(service: FakeEventService, port: int = 0) -> tuple[grpc.aio.Server, int]:
    """Starts a server of the log; returns it and its port. Stop it with `stop(None)`."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add_EventServiceServicer_to_server(service, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    return server, bound
