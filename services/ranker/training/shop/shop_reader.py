"""Reads what training needs of a shop through the services' public contracts."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import grpc

from services.common.progress import Progress
from services.common.single_pass_reader import stream_catalog, stream_log
from services.common.visitors import visitor_from_key, visitor_key
from services.ranker.texts.text_vectors import TextVectors
from services.ranker.training.shop.catalog import TrainingCatalog
from services.ranker.training.shop.event_table import EventTable, EventTableBuilder
from services.ranker.training.shop.replay import Attributes
from vitrine.common.v1.visitor_pb2 import CONSENT_PERSONAL, CONSENT_UNSPECIFIED
from vitrine.events.v1.event_service_pb2 import TailEventsResponse
from vitrine.features.v1.catalog_service_pb2 import TailCatalogResponse
from vitrine.features.v1.user_service_pb2 import LookupUsersRequest
from vitrine.features.v1.user_service_pb2_grpc import UserServiceStub

USERS_PER_CALL: Final = 1_000
CALL_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class ShopData:
    """A shop as training sees it. `users` are the places in `table.visitors` of those whose history may be used."""

    catalog: TrainingCatalog
    table: EventTable
    attributes: dict[str, Attributes]
    users: set[int]


class ShopReader:
    """Takes what training needs of catalog and log as they are read: the catalog first, then the log.

    Of the items' vectors it takes those that `catalog` has columns for; `texts` makes those of their texts.
    """

    def __init__(self, catalog: TrainingCatalog | None = None, texts: TextVectors | None = None) -> None:
        self.catalog = catalog or TrainingCatalog()
        self.shop_vectors = bool(self.catalog.items.named_vectors.shop_sizes)
        """True if the catalog must be read with the shop's vectors."""

        self._texts = texts
        self._builder = EventTableBuilder(self.catalog.item_no_of)

    def take_catalog(self, answer: TailCatalogResponse) -> None:
        """Takes changes of the catalog over."""
        self.catalog.apply(answer.changes)

    async def take_log(self, answer: TailEventsResponse) -> None:
        """Takes events over."""
        for logged in answer.events:
            self._builder.add(logged)

    async def finish(self, features: grpc.aio.Channel, progress: Progress) -> ShopData:
        """Looks the users of the log up, has the texts encoded and returns all that was read. Raises grpc.RpcError."""
        if self._texts:
            await asyncio.to_thread(self._texts.encode_all, progress)
        table = self._builder.build()
        attributes, refused = await _read_users(features, table.visitors, progress)
        users = {user for user, visitor in enumerate(table.visitors) if visitor not in refused}
        return ShopData(self.catalog, table, attributes, users)


async def read_shop(
    events: grpc.aio.Channel,
    features: grpc.aio.Channel,
    progress: Progress,
    reader: ShopReader | None = None,
) -> ShopData:
    """Reads catalog, log (up to its end as it is now) and users' attributes. Raises grpc.RpcError."""
    reader = reader or ShopReader()
    await stream_catalog(features, [reader.take_catalog], progress, vectors=reader.shop_vectors)
    await stream_log(events, [reader.take_log], progress)
    return await reader.finish(features, progress)


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
