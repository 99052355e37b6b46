"""A running feature store and its clients, as a shop's backend sees it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any

import grpc

from services.common.clock import Clock
from services.common.rpc_status import from_rpc_error
from services.common.server import running
from services.features.app import build
from services.features.settings import FeaturesSettings
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import Event, EventType
from vitrine.features.v1 import catalog_service_pb2 as catalog_pb
from vitrine.features.v1 import feature_service_pb2 as feature_pb
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceStub
from vitrine.features.v1.item_pb2 import Item
from vitrine.features.v1.user_features_pb2 import UserFeatures
from vitrine.features.v1.user_service_pb2_grpc import UserServiceStub

if TYPE_CHECKING:
    from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceAsyncStub
    from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceAsyncStub
    from vitrine.features.v1.user_service_pb2_grpc import UserServiceAsyncStub

PATIENCE_SECONDS = 30.0


class Shop:
    """Clients of one feature store."""

    def __init__(self, channel: grpc.aio.Channel, address: str) -> None:
        self.address = address
        self.catalog: CatalogServiceAsyncStub = CatalogServiceStub(channel)
        self.users: UserServiceAsyncStub = UserServiceStub(channel)
        self.features: FeatureServiceAsyncStub = FeatureServiceStub(channel)

    async def upsert(self, *items: Item, mask: Sequence[str] = ()) -> list[catalog_pb.ItemResult]:
        updates = [catalog_pb.ItemUpdate(item=item) for item in items]
        for update in updates:
            update.update_mask.paths.extend(mask)
        return list((await self.catalog.UpsertItems(catalog_pb.UpsertItemsRequest(updates=updates))).results)

    async def lookup(self, *item_ids: str) -> list[catalog_pb.CatalogItem]:
        return list((await self.catalog.LookupItems(catalog_pb.LookupItemsRequest(item_ids=item_ids))).items)

    async def states(self, *item_nos: int) -> catalog_pb.LookupItemStatesResponse:
        return await self.catalog.LookupItemStates(catalog_pb.LookupItemStatesRequest(item_nos=item_nos))

    async def user(self, visitor: Visitor, **request: Any) -> UserFeatures:
        response = await self.features.GetUserFeatures(feature_pb.GetUserFeaturesRequest(visitor=visitor, **request))
        return response.features

    async def status(self) -> feature_pb.GetMaterializerStatusResponse:
        return await self.features.GetMaterializerStatus(feature_pb.GetMaterializerStatusRequest())

    async def applied(self, count: int) -> None:
        """Waits until so many events are applied."""
        await self.until(lambda status: sum(place.offset for place in status.applied_offsets) == count)

    async def saved(self, count: int) -> None:
        """Waits until so many events are saved, and so in the statistics."""
        await self.until(lambda status: sum(place.offset for place in status.saved_offsets) == count)

    async def until(self, condition: Callable[[feature_pb.GetMaterializerStatusResponse], bool]) -> None:
        """Waits for a status of the materializer."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition(await self.status()):  # noqa: ASYNC110  # it is known over there only
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def shop(settings: FeaturesSettings, clock: Clock) -> AsyncIterator[Shop]:
    """Runs a feature store while the block runs."""
    async with (
        running(settings, build(settings, clock)) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        yield Shop(channel, server.address)


def item(item_id: str, *path: str, **fields: Any) -> Item:
    """A product that is fit for the catalog."""
    made = Item(**{"item_id": item_id, "title": f"Title of {item_id}", "price": 2.0, **fields})
    made.category_paths.add().names.extend(path or ("Food", "Tea"))
    return made


def event(event_id: str, visitor: Visitor, event_type: EventType.ValueType, item_id: str, seconds: int = 0) -> Event:
    """An event of 4 May 2026, noon, plus `seconds`."""
    made = Event(event_id=event_id, visitor=visitor, type=event_type, item_id=item_id)
    made.event_time.seconds = 1_777_896_000 + seconds
    return made


async def refusal(call: Any) -> tuple[str, str, list[str]]:
    """Awaits a call that must fail; returns its code, reason and fields."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        known = from_rpc_error(error)
        return error.code().name, known.reason, [violation.field for violation in known.violations]
    raise AssertionError("the call was answered")
