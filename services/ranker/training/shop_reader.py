"""Reads what training needs of a shop through the services' public contracts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import grpc

from services.common.progress import Progress
from services.common.visitors import visitor_from_key, visitor_key
from services.ranker.training.catalog import TrainingCatalog
from services.ranker.training.event_table import EventTable, EventTableBuilder
from services.ranker.training.replay import Attributes
from vitrine.common.v1.visitor_pb2 import CONSENT_PERSONAL, CONSENT_UNSPECIFIED
from vitrine.events.v1.event_service_pb2 import GetLogStatusRequest, TailEventsRequest
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub
from vitrine.features.v1.catalog_service_pb2 import TailCatalogRequest
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub
from vitrine.features.v1.user_service_pb2 import LookupUsersRequest
from vitrine.features.v1.user_service_pb2_grpc import UserServiceStub

BATCH_SIZE: Final = 5_000
USERS_PER_CALL: Final = 1_000
CALL_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class ShopData:
    """A shop as training sees it. `users` are the places in `table.visitors` of those whose history may be used."""

    catalog: TrainingCatalog
    table: EventTable
    attributes: dict[str, Attributes]
    users: set[int]


async def read_shop(events: grpc.aio.Channel, features: grpc.aio.Channel, progress: Progress) -> ShopData:
    """Reads catalogue, log (up to its end as it is now) and users' attributes. Raises grpc.RpcError."""
    catalog = await _read_catalog(features, progress)
    table = await _read_events(events, catalog, progress)
    attributes, refused = await _read_users(features, table.visitors, progress)
    users = {user for user, visitor in enumerate(table.visitors) if visitor not in refused}
    return ShopData(catalog, table, attributes, users)


async def _read_catalog(channel: grpc.aio.Channel, progress: Progress) -> TrainingCatalog:
    catalog = TrainingCatalog()
    with progress.task("reading the catalogue") as task:
        request = TailCatalogRequest(batch_size=BATCH_SIZE, brief=True)
        async for response in CatalogServiceStub(channel).TailCatalog(request):
            catalog.apply(response.changes)
            task.advance(len(response.changes))
    return catalog


async def _read_events(channel: grpc.aio.Channel, catalog: TrainingCatalog, progress: Progress) -> EventTable:
    stub = EventServiceStub(channel)
    status = await stub.GetLogStatus(GetLogStatusRequest(), timeout=CALL_SECONDS)
    builder = EventTableBuilder(catalog.item_no_of)
    with progress.task("reading events", sum(end.offset for end in status.end_offsets)) as task:
        async for response in stub.TailEvents(TailEventsRequest(batch_size=BATCH_SIZE)):
            for logged in response.events:
                builder.add(logged)
            task.advance(len(response.events))
    return builder.build()


async def _read_users(
    channel: grpc.aio.Channel, visitors: Sequence[str], progress: Progress
) -> tuple[dict[str, Attributes], set[str]]:
    """Returns the attributes by visitor key, and those who do not allow that their history shapes anything."""
    stub = UserServiceStub(channel)
    attributes: dict[str, Attributes] = {}
    refused: set[str] = set()
    with progress.task("reading users", len(visitors)) as task:
        for begin in range(0, len(visitors), USERS_PER_CALL):
            part = visitors[begin : begin + USERS_PER_CALL]
            request = LookupUsersRequest(visitors=[visitor_from_key(key) for key in part])
            response = await stub.LookupUsers(request, timeout=CALL_SECONDS)
            for user in response.users:
                key = visitor_key(user.visitor)
                attributes[key] = user.attributes
                if user.consent not in (CONSENT_UNSPECIFIED, CONSENT_PERSONAL):
                    refused.add(key)
            task.advance(len(part))
    return attributes, refused
