"""Keeps the item columns up to date with the features service."""

from typing import Final

import grpc

from services.common.channels import answers_of
from services.ranker.inputs.item_columns import ItemColumns
from vitrine.features.v1.catalog_service_pb2 import TailCatalogRequest
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsRequest
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceStub

BATCH_SIZE: Final = 1000
PAGE_SIZE: Final = 10_000
PAGE_SECONDS: Final = 5.0


class ItemFeed:
    """Reads the catalog and the items' statistics; both methods resume where they stopped."""

    def __init__(self, channel: grpc.aio.Channel, items: ItemColumns) -> None:
        self._catalog = CatalogServiceStub(channel)
        self._features = FeatureServiceStub(channel)
        self._items = items
        self._catalog_version = 0
        self._statistics_version = 0

    async def follow_catalog(self) -> None:
        """Applies every catalog change, including future ones; returns when the stream ends."""
        request = TailCatalogRequest(
            after_version=self._catalog_version,
            follow=True,
            batch_size=BATCH_SIZE,
            brief=True,
            vectors=bool(self._items.named_vectors.shop_sizes),
        )
        async with answers_of(self._catalog.TailCatalog(request)) as responses:
            async for response in responses:
                self._items.apply_catalog(response.changes)
                self._catalog_version = response.version
                self._items.catalog_version = max(self._items.catalog_version, response.version)

    async def fetch_statistics(self) -> None:
        """Applies the statistics that changed since the last call."""
        more = True
        while more:
            request = ListItemStatisticsRequest(after_version=self._statistics_version, page_size=PAGE_SIZE)
            response = await self._features.ListItemStatistics(request, timeout=PAGE_SECONDS)
            self._items.apply_statistics(response)
            more = response.more and response.version > self._statistics_version
            self._statistics_version = response.version
