"""The demo's shop, from its files to a model that is served, by the product's own commands."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cli.importer.importing import import_files
from cli.launcher.launcher import Launcher
from cli.shop import Shop
from cli.training import TrainedShop, train_shop
from demo.shop_files import ShopFiles, prepared_shop
from demo.stages import Stages
from services.common.progress import Progress
from services.common.timestamps import to_timestamp
from vitrine.ranker.v1.ranker_service_pb2 import ScoreItemsRequest
from vitrine.ranker.v1.ranker_service_pb2_grpc import RankerServiceStub

START_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.02


def demo_files(folder: Path) -> ShopFiles:
    """The demo's items, users and purchases as files."""
    return prepared_shop(folder / "files", Stages(folder / "stages.json"), datetime.now(UTC))


@asynccontextmanager
async def imported_shop(folder: Path, files: ShopFiles, progress: Progress) -> AsyncIterator[Shop]:
    """Runs what ranking needs, with the demo's shop imported, while the block runs."""
    shop = Shop(folder, {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")})
    launcher = shop.launcher(exit_with_parent=True)
    try:
        await asyncio.to_thread(_start, launcher, ("modelserver", "events", "features"))
        await import_files(shop, items=[files.items], users=[files.users], events=[files.events], progress=progress)
        await asyncio.to_thread(_start, launcher, ("ranker", "candidates"))
        yield shop
    finally:
        launcher.stop()


async def train_and_serve(shop: Shop, progress: Progress) -> tuple[TrainedShop, float]:
    """Trains as `vitrine train` does; returns what it brought, and the seconds until the ranker answers by the model.

    Raises RuntimeError where the model was not published.
    """
    began = time.perf_counter()
    trained = await train_shop(shop, progress)
    if not trained.report.promoted:
        raise RuntimeError(f"the model was not published: {trained.report.failed_checks}")
    await wait_until_scoring(shop, trained.report.version)
    return trained, time.perf_counter() - began


async def wait_until_scoring(shop: Shop, version: int) -> None:
    """Waits until the ranker's answers are by a version of the model. Raises TimeoutError."""
    request = ScoreItemsRequest(item_nos=[1], query_time=to_timestamp(datetime.now(UTC)))
    async with shop.channel("ranker") as channel, asyncio.timeout(START_SECONDS):
        stub = RankerServiceStub(channel)
        while (await stub.ScoreItems(request, timeout=5)).model_version != str(version):  # noqa: ASYNC110  # a process
            await asyncio.sleep(POLL_SECONDS)


def _start(launcher: Launcher, names: Iterable[str]) -> None:
    for _ in launcher.wait_until_serving(launcher.start(names, any_free_port=True), timeout_seconds=START_SECONDS):
        pass
