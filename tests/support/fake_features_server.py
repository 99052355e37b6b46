"""A features service with a catalog that a test fills, as far as the ranker reads it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc

from vitrine.features.v1.catalog_service_pb2 import CatalogChange, TailCatalogRequest, TailCatalogResponse
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceServicer, add_CatalogServiceServicer_to_server
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsRequest, ListItemStatisticsResponse
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceServicer, add_FeatureServiceServicer_to_server
from vitrine.features.v1.item_pb2 import Item


class FakeFeaturesServer(CatalogServiceServicer, FeatureServiceServicer):
    """Items of one price each; statistics of one count each."""

    def __init__(self) -> None:
        self.changes: list[CatalogChange] = []
        self.statistics: list[tuple[int, int]] = []
        self.as_of_millis = 0
        self.statistics_calls: list[int] = []
        self._changed = asyncio.Condition()

    async def put(
        self, item_no: int, *, price: float | None = 1.0, margin: float | None = None, title: str = ""
    ) -> None:
        """Adds or changes an item, and tells who follows."""
        item = Item(item_id=f"item-{item_no}", price=price, margin=margin, title=title)
        async with self._changed:
            version = len(self.changes) + 1
            self.changes.append(CatalogChange(version=version, item_no=item_no, item_id=item.item_id, item=item))
            self._changed.notify_all()

    async def TailCatalog(self, request: TailCatalogRequest, context: Any) -> AsyncIterator[TailCatalogResponse]:
        after = request.after_version
        while True:
            changes = self.changes[after : after + request.batch_size]
            after += len(changes)
            yield TailCatalogResponse(changes=changes, version=after, caught_up=after == len(self.changes))
            async with self._changed:
                await self._changed.wait_for(lambda after=after: len(self.changes) > after)  # type: ignore[misc]

    async def ListItemStatistics(self, request: ListItemStatisticsRequest, context: Any) -> ListItemStatisticsResponse:
        self.statistics_calls.append(request.after_version)
        page = self.statistics[request.after_version : request.after_version + 2]
        version = request.after_version + len(page)
        count = len(page)
        return ListItemStatisticsResponse(
            item_nos=[item_no for item_no, _ in page],
            as_of_millis=self.as_of_millis,
            **{name: [value for _, value in page] for name in ("view_counts", "purchase_counts", "buyer_counts")},
            favorite_counts=[0] * count,
            cart_counts=[0] * count,
            impression_counts=[0] * count,
            decayed_1d=[float(value) for _, value in page],
            decayed_7d=[float(value) for _, value in page],
            decayed_30d=[float(value) for _, value in page],
            mean_prices=[-1.0] * count,
            version=version,
            more=version < len(self.statistics),
        )


@contextlib.asynccontextmanager
async def serving(fake: FakeFeaturesServer, port: int = 0) -> AsyncIterator[int]:
    """Serves the fake while the block runs; yields its port."""
    server = grpc.aio.server()
    add_CatalogServiceServicer_to_server(fake, server)
    add_FeatureServiceServicer_to_server(fake, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(None)
