"""The ranker as candidates asks it for vectors: in memory, or over real gRPC."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import grpc

from vitrine.ranker.v1.ranker_service_pb2 import EncodeItemsRequest, EncodeItemsResponse
from vitrine.ranker.v1.ranker_service_pb2_grpc import RankerServiceServicer, add_RankerServiceServicer_to_server


def number_and_one(item_no: int) -> Sequence[float]:
    """The vector (item_no, 1)."""
    return float(item_no), 1.0


class FakeRanker:
    """Encodes by `encode`, as `model_version` and from `catalog_version` (None: what was asked for); of the items in
    `unknown` it knows nothing. Waits for `go` before each answer; fails with `fault`.
    """

    def __init__(self) -> None:
        self.encode: Callable[[int], Sequence[float]] = number_and_one
        self.model_version = "m1"
        self.catalog_version: int | None = None
        self.unknown: set[int] = set()
        self.fault: Exception | None = None
        self.go = asyncio.Event()
        self.go.set()
        self.requests: list[EncodeItemsRequest] = []

    @property
    def asked(self) -> list[list[int]]:
        """The items of each request."""
        return [list(request.item_nos) for request in self.requests]

    async def EncodeItems(self, request: EncodeItemsRequest, timeout: float) -> EncodeItemsResponse:  # noqa: ASYNC109  # as the stub
        self.requests.append(request)
        await self.go.wait()
        if self.fault is not None:
            raise self.fault
        reached = request.catalog_version if self.catalog_version is None else self.catalog_version
        if reached < request.catalog_version:
            return EncodeItemsResponse(catalog_version=reached)
        item_nos = [item_no for item_no in request.item_nos if item_no not in self.unknown]
        vectors = [number for item_no in item_nos for number in self.encode(item_no)]
        return EncodeItemsResponse(
            item_nos=item_nos, vectors=vectors, model_version=self.model_version, catalog_version=reached
        )


class _Servicer(RankerServiceServicer):
    def __init__(self, ranker: FakeRanker) -> None:
        self._ranker = ranker

    async def EncodeItems(self, request: EncodeItemsRequest, context: Any) -> EncodeItemsResponse:
        return await self._ranker.EncodeItems(request, timeout=0)


@contextlib.asynccontextmanager
async def serving(ranker: FakeRanker, port: int = 0) -> AsyncIterator[int]:
    """Serves the fake while the block runs; yields its port."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add_RankerServiceServicer_to_server(_Servicer(ranker), server)  # type: ignore[abstract]  # what candidates calls
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(None)
