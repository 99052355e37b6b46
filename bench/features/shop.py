import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import numpy as np

from bench.serving import Served, serving
from bench.stores import BenchStore
from cli.figures import Figures
from services.common.channels import open_channel
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceStub


async def timed(call: Callable[[], Awaitable[object]], count: int) -> list[float]:
    """Returns how many seconds each of `count` calls took, one after the other."""
    seconds = []
    for _ in range(count):
        began = time.perf_counter()
        await call()
        seconds.append(time.perf_counter() - began)
    return seconds


def milliseconds(seconds: Sequence[float], percentile: float) -> float:
    """Returns a percentile of times, in milliseconds."""
    return float(np.percentile(seconds, percentile)) * 1e3


@dataclass(frozen=True, slots=True)
class Say:
    """Says figures of one engine: SQLite's, the default, by their plain names, another one's with its name behind."""

    figures: Figures
    engine: str

    def __call__(self, name: str, value: float, unit: str) -> None:
        """Says `features.<name>`."""
        suffix = "" if self.engine == "sqlite" else f"_{self.engine}"
        self.figures.say(f"features.{name}{suffix}", value, unit)


if TYPE_CHECKING:
    from vitrine.events.v1.event_service_pb2_grpc import EventServiceAsyncStub
    from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceAsyncStub
    from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceAsyncStub


@dataclass(frozen=True, slots=True)
class BenchShop:
    """A running event log and feature store, for `vitrine import` and for calls.

    Readers and writers have connections of their own, as the page and a shop's backend do.
    """

    state_directory: Path
    log: Served
    store: Served
    store_files: BenchStore
    events: "EventServiceAsyncStub"
    clicks: "EventServiceAsyncStub"
    catalog: "CatalogServiceAsyncStub"
    features: "FeatureServiceAsyncStub"
    backend: "CatalogServiceAsyncStub"

    @asynccontextmanager
    async def channel(self, name: str) -> AsyncIterator[grpc.aio.Channel]:
        """A channel to one of the services, as the command line opens it."""
        async with open_channel({"events": self.log, "features": self.store}[name].address) as channel:
            yield channel


@asynccontextmanager
async def running_shop(folder: Path, log_store: BenchStore, feature_store: BenchStore) -> AsyncIterator[BenchShop]:
    """Runs both services on empty stores while the block runs; `folder` is made by them."""
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(
            serving("events", folder, {"VITRINE_EVENTS_DATABASE_URL": log_store.url}),
        )
        settings = {"VITRINE_FEATURES_DATABASE_URL": feature_store.url, "VITRINE_FEATURES_EVENTS_ADDRESS": log.address}
        store = await stack.enter_async_context(serving("features", folder, settings))

        async def connect(served: Served) -> grpc.aio.Channel:
            own = [("grpc.use_local_subchannel_pool", 1)]
            return await stack.enter_async_context(grpc.aio.insecure_channel(served.address, own))

        reading = await connect(store)
        yield BenchShop(
            folder,
            log,
            store,
            feature_store,
            events=EventServiceStub(await connect(log)),
            clicks=EventServiceStub(await connect(log)),
            catalog=CatalogServiceStub(reading),
            features=FeatureServiceStub(reading),
            backend=CatalogServiceStub(await connect(store)),
        )
