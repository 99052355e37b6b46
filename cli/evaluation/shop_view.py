"""What a shop knew before the held-out purchases, through the services' contracts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol, TypeVar

import grpc
import numpy as np
from numpy.typing import NDArray

from services.common.progress import Progress
from services.common.timestamps import to_timestamp
from services.ranker.training.shop.catalog import TrainingCatalog
from vitrine.common.v1 import visitor_pb2
from vitrine.features.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    feature_service_pb2,
    feature_service_pb2_grpc,
    user_features_pb2,
)

CALLERS = 4

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Advance(Protocol):
    """Told how many more are done."""

    def __call__(self, count: int = 1) -> None:
        """Count on."""


async def ask_all(
    asked: Sequence[Asked], call: Callable[[Asked], Awaitable[Answer]], advance: Advance
) -> dict[Asked, Answer]:
    """Asks for every element, a few at a time; the answers by element."""
    gate = asyncio.Semaphore(CALLERS)

    async def one(element: Asked) -> tuple[Asked, Answer]:
        async with gate:
            answer = await call(element)
        advance()
        return element, answer

    return dict(await asyncio.gather(*(one(element) for element in asked)))


TIMEOUT_SECONDS = 10.0
BATCH_SIZE = 5_000
PAGE_SIZE = 10_000


@dataclass(frozen=True)
class ShopView:
    """Catalog and items' statistics as they are, and the evaluated users as of a time.

    Items are known by `item_no`; columns have a row for each number.
    """

    catalog: TrainingCatalog
    users: Mapping[str, user_features_pb2.UserFeatures]

    @cached_property
    def shown_item_nos(self) -> NDArray[np.int64]:
        """The items that a page may show, ascending."""
        return self.catalog.shown_item_nos()

    @cached_property
    def popular(self) -> NDArray[np.int64]:
        """The items that a page may show, the most bought first, among equals the one that more people bought."""
        items, shown = self.catalog.items, self.shown_item_nos
        order = np.lexsort((shown, -items.buyer_counts[shown], -items.purchase_counts[shown]))
        return shown[order]

    @cached_property
    def users_of_shop(self) -> int:
        """How many users bought anything, as far as can be told: at least the best sold item's buyers."""
        return max(int(self.catalog.items.buyer_counts.max(initial=0)), len(self.users))

    def item_nos(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """The numbers of items; those that are in no catalog are left out."""
        known = self.catalog.item_no_of
        return np.array([known[item_id] for item_id in item_ids if item_id in known], np.int64)

    def bought(self, user_id: str) -> NDArray[np.int64]:
        """What a user had bought, ascending."""
        counters = self.users[user_id].counters
        numbers = np.array(counters.item_nos, np.int64)
        return np.sort(numbers[np.array(counters.purchase_counts, np.int64) > 0])


async def view_shop(
    features: grpc.aio.Channel, user_ids: Sequence[str], query_time: datetime, progress: Progress
) -> ShopView:
    """Reads catalog and statistics, and what is known of each user as of `query_time`. Raises grpc.RpcError."""
    catalog = await _read_catalog(features, progress)
    stub = feature_service_pb2_grpc.FeatureServiceStub(features)
    await _read_statistics(stub, catalog)

    async def known(user_id: str) -> user_features_pb2.UserFeatures:
        request = feature_service_pb2.GetUserFeaturesRequest(
            visitor=visitor_pb2.Visitor(user_id=user_id), query_time=to_timestamp(query_time)
        )
        return (await stub.GetUserFeatures(request, timeout=TIMEOUT_SECONDS)).features

    with progress.task("reading what is known of the users", len(user_ids)) as task:
        return ShopView(catalog, await ask_all(user_ids, known, task.advance))


async def _read_catalog(channel: grpc.aio.Channel, progress: Progress) -> TrainingCatalog:
    catalog = TrainingCatalog()
    stub = catalog_service_pb2_grpc.CatalogServiceStub(channel)
    request = catalog_service_pb2.TailCatalogRequest(batch_size=BATCH_SIZE, brief=True)
    with progress.task("reading the catalog") as task:
        async for response in stub.TailCatalog(request):
            catalog.apply(response.changes)
            task.advance(len(response.changes))
    return catalog


async def _read_statistics(stub: "feature_service_pb2_grpc.FeatureServiceAsyncStub", catalog: TrainingCatalog) -> None:
    version, more = 0, True
    while more:
        request = feature_service_pb2.ListItemStatisticsRequest(after_version=version, page_size=PAGE_SIZE)
        response = await stub.ListItemStatistics(request, timeout=TIMEOUT_SECONDS)
        catalog.items.apply_statistics(response)
        more, version = response.more and response.version > version, response.version
