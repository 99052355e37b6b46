"""What requests feel of a model that takes over from another."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.candidates.load import measure
from bench.figures import Figures
from bench.ranker.scoring import score
from bench.ranker.shop import wait_until_available
from cli.shop import Shop
from services.ranker.model.config import MODEL_NAME
from vitrine.ranker.v1.ranker_service_pb2 import ScoreItemsRequest
from vitrine.ranker.v1.ranker_service_pb2_grpc import RankerServiceStub

CALLERS: Final = 1
BEFORE_SECONDS: Final = 8.0
DURING_SECONDS: Final = 12.0
SWAPS: Final = 3
PAUSE_SECONDS: Final = 2.0


async def measure_swap(figures: Figures, shop: Shop, requests: Sequence[ScoreItemsRequest], version: int) -> None:
    """Publishes the model as new versions while requests go on.

    A request that the linear scorer answers counts as failed: a swap is no reason for that.
    """
    async with shop.channel("ranker") as ranker, shop.channel("modelserver") as models:
        stub = RankerServiceStub(ranker)

        async def call(number: int) -> None:
            await score(stub, requests[number % len(requests)])

        async def swap() -> None:
            for count in range(1, SWAPS + 1):
                await asyncio.to_thread(_publish_copy, shop.state_directory, version, version + count)
                await wait_until_available(models, version + count)
                await asyncio.sleep(PAUSE_SECONDS)

        before = await measure(call, BEFORE_SECONDS, CALLERS)
        during, _ = await asyncio.gather(measure(call, DURING_SECONDS, CALLERS), swap())
    figures.say("ranker.swap_failed", during.failed, "")
    figures.say("ranker.swap_p99", during.p99, "ms")
    figures.say("ranker.swap_p99_ratio", during.p99 / before.p99, "")


def _publish_copy(state_directory: Path, version: int, copy: int) -> None:
    models = state_directory / "models" / MODEL_NAME
    draft = models / f".draft-{copy}"
    shutil.copytree(models / str(version), draft)
    draft.rename(models / str(copy))
