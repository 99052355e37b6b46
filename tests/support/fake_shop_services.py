"""Catalog, statistics and event log in memory, speaking their contracts over real gRPC."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc

from vitrine.events.v1 import event_service_pb2 as events
from vitrine.events.v1.event_service_pb2_grpc import EventServiceServicer, add_EventServiceServicer_to_server
from vitrine.features.v1.catalog_service_pb2 import CatalogChange, TailCatalogRequest, TailCatalogResponse
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceServicer, add_CatalogServiceServicer_to_server
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsRequest, ListItemStatisticsResponse
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceServicer, add_FeatureServiceServicer_to_server
from vitrine.features.v1.user_service_pb2 import LookupUsersRequest, LookupUsersResponse
from vitrine.features.v1.user_service_pb2_grpc import UserServiceServicer, add_UserServiceServicer_to_server

Context = grpc.aio.ServicerContext[Any, Any]


class FakeCatalog(CatalogServiceServicer):
    """Every change that was put, in order; followed by condition variable."""

    def __init__(self) -> None:
        self.changes: list[CatalogChange] = []
        self.requests: list[TailCatalogRequest] = []
        self._changed = asyncio.Condition()

    async def put(self, *changes: CatalogChange) -> None:
        async with self._changed:
            for change in changes:
                change.version = len(self.changes) + 1
                self.changes.append(change)
            self._changed.notify_all()

    async def TailCatalog(self, request: TailCatalogRequest, context: Context) -> AsyncIterator[TailCatalogResponse]:
        self.requests.append(request)
        after = request.after_version
        while True:
            batch = self.changes[after : after + (request.batch_size or 1000)]
            after += len(batch)
            caught_up = after >= len(self.changes)
            yield TailCatalogResponse(changes=batch, version=after, caught_up=caught_up)
            if caught_up:
                if not request.follow:
                    return
                async with self._changed:
                    while len(self.changes) <= after:
                        await self._changed.wait()


class FakeStatistics(FeatureServiceServicer):
    """Answers that were queued, one a page; then nothing new."""

    def __init__(self) -> None:
        self.pages: list[ListItemStatisticsResponse] = []

    async def ListItemStatistics(
        self, request: ListItemStatisticsRequest, context: Context
    ) -> ListItemStatisticsResponse:
        page = next((page for page in self.pages if page.version > request.after_version), None)
        if page is None:
            return ListItemStatisticsResponse(version=request.after_version)
        answer = ListItemStatisticsResponse()
        answer.CopyFrom(page)
        answer.more = page is not self.pages[-1]
        return answer


class FakeEventLog(EventServiceServicer):
    """A log of one partition."""

    def __init__(self, log: list[events.LoggedEvent]) -> None:
        self.log = log
        self.read = 0
        self.breaks_after: int | None = None

    async def GetLogStatus(self, request: events.GetLogStatusRequest, context: Context) -> events.GetLogStatusResponse:
        return events.GetLogStatusResponse(end_offsets=[events.PartitionOffset(offset=len(self.log))])

    async def TailEvents(
        self, request: events.TailEventsRequest, context: Context
    ) -> AsyncIterator[events.TailEventsResponse]:
        begin = next((place.offset for place in getattr(request, "from")), 0)
        for start in range(begin, len(self.log), 100):
            batch = self.log[start : start + 100]
            if self.breaks_after is not None and start >= self.breaks_after:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the log is gone")
            for offset, logged in enumerate(batch, start):
                logged.offset = offset
            self.read += len(batch)
            next_offsets = [events.PartitionOffset(offset=start + len(batch))]
            yield events.TailEventsResponse(events=batch, next_offsets=next_offsets)


class FakeUsers(UserServiceServicer):
    """What the shop said of its users, by user id."""

    def __init__(self, attributes: Mapping[str, Mapping[str, str]]) -> None:
        self._attributes = attributes

    async def LookupUsers(self, request: LookupUsersRequest, context: Context) -> LookupUsersResponse:
        response = LookupUsersResponse()
        for visitor in request.visitors:
            if visitor.user_id in self._attributes:
                user = response.users.add(visitor=visitor)
                for name, text in self._attributes[visitor.user_id].items():
                    user.attributes[name].text = text
            else:
                response.missing_visitors.append(visitor)
        return response


def fake_users(attributes: Mapping[str, Mapping[str, str]] | None = None) -> FakeUsers:
    """Returns users with these attributes."""
    return FakeUsers(attributes or {})  # type: ignore[abstract]  # what candidates calls


def fake_catalog() -> FakeCatalog:
    """Returns an empty catalog."""
    return FakeCatalog()  # type: ignore[abstract]  # what candidates calls


def fake_statistics() -> FakeStatistics:
    """Returns statistics of nothing."""
    return FakeStatistics()  # type: ignore[abstract]  # what candidates calls


def fake_event_log(log: list[events.LoggedEvent]) -> FakeEventLog:
    """Returns a log of these events."""
    return FakeEventLog(log)  # type: ignore[abstract]  # what candidates calls


@contextlib.asynccontextmanager
async def serving(
    catalog: FakeCatalog | None = None,
    statistics: FakeStatistics | None = None,
    log: FakeEventLog | None = None,
    users: FakeUsers | None = None,
    port: int = 0,
) -> AsyncIterator[str]:
    """Serves the given fakes while the block runs; gives their address."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    if catalog is not None:
        add_CatalogServiceServicer_to_server(catalog, server)
    if statistics is not None:
        add_FeatureServiceServicer_to_server(statistics, server)
    if log is not None:
        add_EventServiceServicer_to_server(log, server)
    if users is not None:
        add_UserServiceServicer_to_server(users, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"127.0.0.1:{bound}"
    finally:
        await server.stop(None)
