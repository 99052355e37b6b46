import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc

from bench.candidates.synthetic_shop import SyntheticShop
from vitrine.features.v1.catalog_service_pb2 import CatalogChange, TailCatalogRequest, TailCatalogResponse
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceServicer, add_CatalogServiceServicer_to_server
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsRequest, ListItemStatisticsResponse
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceServicer, add_FeatureServiceServicer_to_server

_BATCH = 1_000
Context = grpc.aio.ServicerContext[Any, Any]


class BenchCatalog(CatalogServiceServicer):
    """A synthetic shop's catalog, made as it is read, and what is put into it later."""

    def __init__(self, shop: SyntheticShop) -> None:
        self._shop = shop
        self._later: list[CatalogChange] = []
        self._changed = asyncio.Condition()

    async def put(self, change: CatalogChange) -> None:
        """Adds a change; gives it its version."""
        async with self._changed:
            change.version = self._shop.items + len(self._later) + 1
            self._later.append(change)
            self._changed.notify_all()

    async def TailCatalog(self, request: TailCatalogRequest, context: Context) -> AsyncIterator[TailCatalogResponse]:
        for begin in range(1, self._shop.items + 1, _BATCH):
            end = min(begin + _BATCH, self._shop.items + 1)
            yield TailCatalogResponse(changes=self._shop.changes(begin, end), version=end - 1)
        yield TailCatalogResponse(version=self._shop.items, caught_up=True)
        told = 0
        while True:
            async with self._changed:
                while told == len(self._later):
                    await self._changed.wait()
                batch, told = self._later[told:], len(self._later)
            yield TailCatalogResponse(changes=batch, version=self._shop.items + told, caught_up=True)


class BenchStatistics(FeatureServiceServicer):
    """The items' statistics, once."""

    def __init__(self, answer: ListItemStatisticsResponse) -> None:
        self._answer = answer

    async def ListItemStatistics(
        self, request: ListItemStatisticsRequest, context: Context
    ) -> ListItemStatisticsResponse:
        return ListItemStatisticsResponse(version=1) if request.after_version else self._answer


@contextlib.asynccontextmanager
async def serving(catalog: BenchCatalog, statistics: BenchStatistics) -> AsyncIterator[str]:
    """Serves both while the block runs; gives their address."""
    limit = 256 * 1024 * 1024
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0), ("grpc.max_send_message_length", limit)])
    add_CatalogServiceServicer_to_server(catalog, server)
    add_FeatureServiceServicer_to_server(statistics, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
