"""What requests feel of a model that takes over from another."""

import asyncio
import math
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import grpc

from bench.candidates.load import measure
from bench.features.shop import milliseconds
from bench.ranker.scoring import score
from bench.ranker.shop import wait_until_scoring
from cli.figures import Figures
from cli.shop import Shop
from services.common.channels import open_channel
from services.ranker.model.config import MODEL_NAME
from services.ranker.training.publishing.canary import check_loaded
from services.ranker.training.publishing.model_registry import ModelRegistry
from vitrine.ranker.v1.ranker_service_pb2 import ScoreItemsRequest
from vitrine.ranker.v1.ranker_service_pb2_grpc import RankerServiceStub

BEFORE_SECONDS: Final = 8.0
PAUSE_SECONDS: Final = 2.0
SWAPS: Final = 3


async def measure_swap(figures: Figures, shop: Shop, requests: Sequence[ScoreItemsRequest], version: int) -> None:
    """Publishes the model as new versions, as `vitrine train` does, while requests go on.

    A request that the linear scorer answers counts as failed: a swap is no reason for that.
    """
    async with shop.channel("ranker") as ranker:
        stub = RankerServiceStub(ranker)

        async def call(number: int) -> None:
            await score(stub, requests[number % len(requests)])

        before = await measure(call, BEFORE_SECONDS)
        swapping = asyncio.create_task(_swap(shop, version))
        during = await _calls_until_done(call, swapping)
        await swapping
    p99 = milliseconds(during, 99)
    figures.say("ranker.swap_failed", before.failed + during.count(math.inf), "")
    figures.say("ranker.swap_p99", p99, "ms")
    figures.say("ranker.swap_p99_ratio", p99 / before.p99, "")


async def _calls_until_done(call: Callable[[int], Awaitable[None]], task: "asyncio.Task[None]") -> list[float]:
    """Returns how many seconds each call took; infinitely many, where it failed."""
    seconds: list[float] = []
    while not task.done():
        began = time.perf_counter()
        try:
            await call(len(seconds))
        except (grpc.RpcError, RuntimeError):
            seconds.append(math.inf)
        else:
            seconds.append(time.perf_counter() - began)
    return seconds


async def _swap(shop: Shop, version: int) -> None:
    registry = ModelRegistry(shop.state_directory)
    for copy in range(version + 1, version + 1 + SWAPS):
        await asyncio.to_thread(_copy, shop.state_directory / "models" / MODEL_NAME, version, copy)
        registry.try_out(copy)
        async with open_channel(shop.addresses()["modelserver"]) as models:
            check = await check_loaded(models, copy, 60.0)
        if not check.passed:
            raise RuntimeError(f"version {copy} was not loaded: {check.found}")
        registry.promote(copy)
        await wait_until_scoring(shop, copy)
        await asyncio.sleep(PAUSE_SECONDS)


def _copy(models: Path, version: int, copy: int) -> None:
    draft = models / f".draft-{copy}"
    shutil.copytree(models / str(version), draft)
    draft.rename(models / str(copy))
