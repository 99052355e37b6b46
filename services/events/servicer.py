from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import grpc

from services.events.importing import Importer
from services.events.ingestion import Ingestion
from services.events.page_log import PageLog
from services.events.privacy import UserConsent, UserErasure, UserExport
from services.events.quarantine import Quarantine
from services.events.tailing import LogStatus, Tailer
from services.events.user_lists import UserLists
from vitrine.events.v1 import consent_pb2
from vitrine.events.v1 import event_service_pb2 as pb
from vitrine.events.v1.event_service_pb2_grpc import EventServiceServicer

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True)
class EventServicer(EventServiceServicer):
    """EventService; each method calls the unit that does the work."""

    ingestion: Ingestion
    importer: Importer
    tailer: Tailer
    lists: UserLists
    export: UserExport
    erasure: UserErasure
    consent: UserConsent
    status: LogStatus
    page_log: PageLog
    quarantine: Quarantine

    async def IngestEvents(self, request: pb.IngestEventsRequest, context: Context) -> pb.IngestEventsResponse:
        batch = await self.ingestion.begin(request.events)
        return pb.IngestEventsResponse(results=await batch.results())

    async def ImportEvents(self, request_iterator: object, context: Context) -> AsyncIterator[pb.ImportEventsResponse]:
        requests = cast("AsyncIterable[pb.ImportEventsRequest]", request_iterator)
        async for response in self.importer.run(requests):
            yield response

    async def TailEvents(self, request: pb.TailEventsRequest, context: Context) -> AsyncIterator[pb.TailEventsResponse]:
        async for response in self.tailer.run(request):
            yield response

    async def ListUserEvents(self, request: pb.ListUserEventsRequest, context: Context) -> pb.ListUserEventsResponse:
        return await self.lists.events(request)

    async def ExportUser(self, request: pb.ExportUserRequest, context: Context) -> AsyncIterator[pb.ExportUserResponse]:
        async for lines in self.export.run(request.visitor):
            yield pb.ExportUserResponse(json_lines=lines)

    async def DeleteUser(self, request: pb.DeleteUserRequest, context: Context) -> pb.DeleteUserResponse:
        return await self.erasure.run(request)

    async def SetConsent(
        self, request: consent_pb2.SetConsentRequest, context: Context
    ) -> consent_pb2.SetConsentResponse:
        return await self.consent.set(request)

    async def GetLogStatus(self, request: pb.GetLogStatusRequest, context: Context) -> pb.GetLogStatusResponse:
        return await self.status.read()

    async def LogPages(self, request: pb.LogPagesRequest, context: Context) -> pb.LogPagesResponse:
        return pb.LogPagesResponse(stored_count=await self.page_log.log(request.pages))

    async def ListUserPages(self, request: pb.ListUserPagesRequest, context: Context) -> pb.ListUserPagesResponse:
        return await self.lists.pages(request)

    async def ListQuarantinedEvents(
        self, request: pb.ListQuarantinedEventsRequest, context: Context
    ) -> pb.ListQuarantinedEventsResponse:
        return await self.quarantine.listed(request)

    async def ReplayQuarantinedEvents(
        self, request: pb.ReplayQuarantinedEventsRequest, context: Context
    ) -> pb.ReplayQuarantinedEventsResponse:
        return await self.quarantine.replay(request)
