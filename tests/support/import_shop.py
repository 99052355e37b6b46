import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from services.common.channels import ChannelLimits, open_channel
from vitrine.events.v1 import event_pb2, event_service_pb2, event_service_pb2_grpc
from vitrine.features.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    feature_service_pb2,
    feature_service_pb2_grpc,
    item_pb2,
    user_pb2,
    user_service_pb2,
    user_service_pb2_grpc,
)

Context = grpc.aio.ServicerContext[Any, Any]


class Stumbling:
    """Makes the first calls of a fake fail as a service that is just starting does."""

    def __init__(self) -> None:
        self.failures = 0

    async def stumble(self, context: Context) -> None:
        if self.failures:
            self.failures -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "just starting")


class FakeCatalog(catalog_service_pb2_grpc.CatalogServiceServicer, Stumbling):
    """Keeps items in memory; only newer knowledge wins."""

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, item_pb2.Item] = {}
        self.masks: list[list[str]] = []
        self.batch_sizes: list[int] = []

    async def UpsertItems(
        self, request: catalog_service_pb2.UpsertItemsRequest, context: Context
    ) -> catalog_service_pb2.UpsertItemsResponse:
        await self.stumble(context)
        self.batch_sizes.append(len(request.updates))
        results = [self._upsert(place, update) for place, update in enumerate(request.updates)]
        return catalog_service_pb2.UpsertItemsResponse(results=results)

    def _upsert(self, place: int, update: catalog_service_pb2.ItemUpdate) -> catalog_service_pb2.ItemResult:
        item = update.item
        self.masks.append(list(update.update_mask.paths))
        if item.price < 0:
            return catalog_service_pb2.ItemResult(
                status=catalog_service_pb2.ITEM_STATUS_REJECTED,
                item_id=item.item_id,
                reason="PRICE_OUT_OF_RANGE",
                field=f"updates[{place}].item.price",
                description="is below 0; send 0 to 1e12",
            )
        known = self.items.get(item.item_id)
        if known is None:
            status = catalog_service_pb2.ITEM_STATUS_CREATED
        elif known == item:
            status = catalog_service_pb2.ITEM_STATUS_UNCHANGED
        elif item.HasField("update_time") and item.update_time.ToMilliseconds() < known.update_time.ToMilliseconds():
            return catalog_service_pb2.ItemResult(status=catalog_service_pb2.ITEM_STATUS_OUTDATED)
        else:
            status = catalog_service_pb2.ITEM_STATUS_UPDATED
        self.items[item.item_id] = item
        return catalog_service_pb2.ItemResult(status=status, item_id=item.item_id)


class FakeUsers(user_service_pb2_grpc.UserServiceServicer):
    """Keeps users in memory."""

    def __init__(self) -> None:
        self.users: dict[tuple[str, str], user_pb2.User] = {}

    async def UpsertUsers(
        self, request: user_service_pb2.UpsertUsersRequest, context: Context
    ) -> user_service_pb2.UpsertUsersResponse:
        results = []
        for update in request.updates:
            key = (update.user.visitor.user_id, update.user.visitor.anonymous_id)
            known = self.users.get(key)
            status = user_service_pb2.USER_STATUS_CREATED
            if known is not None:
                same = known == update.user
                status = user_service_pb2.USER_STATUS_UNCHANGED if same else user_service_pb2.USER_STATUS_UPDATED
            self.users[key] = update.user
            results.append(user_service_pb2.UserResult(status=status))
        return user_service_pb2.UpsertUsersResponse(results=results)


class FakeEventLog(event_service_pb2_grpc.EventServiceServicer, Stumbling):
    """Keeps events in memory, each id once. Views of the item "forbidden" are rejected."""

    def __init__(self) -> None:
        super().__init__()
        self.events: dict[str, event_pb2.Event] = {}
        self.batch_sizes: list[int] = []
        self.first_batch = asyncio.Event()
        self.break_after: int | None = None
        """The stream breaks after so many batches, once, with the last of them stored and not answered."""

    async def ImportEvents(
        self, requests: AsyncIterator[event_service_pb2.ImportEventsRequest], context: Context
    ) -> AsyncIterator[event_service_pb2.ImportEventsResponse]:
        await self.stumble(context)
        async for request in requests:
            self.batch_sizes.append(len(request.events))
            answer = self._store(request)
            self.first_batch.set()
            if self.break_after is not None and len(self.batch_sizes) == self.break_after:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke")
            yield answer

    def _store(self, request: event_service_pb2.ImportEventsRequest) -> event_service_pb2.ImportEventsResponse:
        answer = event_service_pb2.ImportEventsResponse()
        for place, event in enumerate(request.events):
            if event.item_id == "forbidden":
                answer.rejected.add(
                    status=event_service_pb2.EVENT_STATUS_REJECTED,
                    event_id=event.event_id,
                    reason="ITEM_FORBIDDEN",
                    field=f"events[{place}].item_id",
                    description="is forbidden; send another",
                )
            elif event.event_id in self.events:
                answer.duplicate_count += 1
            else:
                self.events[event.event_id] = event
                answer.stored_count += 1
        return answer

    async def GetLogStatus(
        self, request: event_service_pb2.GetLogStatusRequest, context: Context
    ) -> event_service_pb2.GetLogStatusResponse:
        end = event_service_pb2.PartitionOffset(partition=0, offset=len(self.events))
        return event_service_pb2.GetLogStatusResponse(end_offsets=[end])


class FakeFeatures(feature_service_pb2_grpc.FeatureServiceServicer):
    """Saves some more of the log each time it is asked how far it is; all of it is applied, and no other one knows."""

    def __init__(self, log: FakeEventLog) -> None:
        self._log = log
        self._asked = 0
        self.saved = 0
        self.step = 2
        self.swing = 0
        """Every other time somebody answers who has heard of so many less."""

    async def GetMaterializerStatus(
        self, request: feature_service_pb2.GetMaterializerStatusRequest, context: Context
    ) -> feature_service_pb2.GetMaterializerStatusResponse:
        self._asked += 1
        self.saved = min(self.saved + self.step, len(self._log.events))
        heard = max(self.saved - self.swing * (self._asked % 2), 0)
        return feature_service_pb2.GetMaterializerStatusResponse(
            applied_offsets=[event_service_pb2.PartitionOffset(offset=len(self._log.events))],
            saved_offsets=[event_service_pb2.PartitionOffset(offset=heard)],
        )


class FakeImportShop:
    """A shop whose services live in memory behind real gRPC, as `vitrine import` sees it."""

    def __init__(self, state_directory: Path) -> None:
        self.state_directory = state_directory
        # The stubs declare every method abstract; gRPC answers UNIMPLEMENTED for those that are not there.
        self.catalog = FakeCatalog()  # type: ignore[abstract]
        self.users = FakeUsers()  # type: ignore[abstract]
        self.log = FakeEventLog()  # type: ignore[abstract]
        self.features = FakeFeatures(self.log)  # type: ignore[abstract]
        self.address = "127.0.0.1:1"

    @asynccontextmanager
    async def channel(self, name: str) -> AsyncIterator[grpc.aio.Channel]:
        # Only the importer's own retries are under test.
        channel = open_channel(self.address, limits=ChannelLimits(watch_health=False, max_attempts=1))
        try:
            yield channel
        finally:
            await channel.close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["FakeImportShop"]:
        """Serves on a free port of this machine."""
        server = grpc.aio.server()
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(self.catalog, server)
        user_service_pb2_grpc.add_UserServiceServicer_to_server(self.users, server)
        event_service_pb2_grpc.add_EventServiceServicer_to_server(self.log, server)
        feature_service_pb2_grpc.add_FeatureServiceServicer_to_server(self.features, server)
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        try:
            yield self
        finally:
            await server.stop(None)
