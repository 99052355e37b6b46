import asyncio
from time import monotonic
from typing import Final

from cli.shop import Shop
from services.ranker.model.config import MODEL_NAME
from services.ranker.model_fault import ModelFault
from services.ranker.prediction_client import PredictionClient
from services.ranker.training.publishing.model_registry import STABLE

POLL_SECONDS: Final = 0.2
CALL_SECONDS: Final = 1.0


async def served_version(shop: Shop, label: str = STABLE) -> int | None:
    """Which version the model server answers with under a label.

    Returns:
        None where it does not answer, or has none by that label.
    """
    async with shop.channel("modelserver") as channel:
        try:
            return (await PredictionClient(channel, MODEL_NAME).metadata(label, CALL_SECONDS)).version
        except ModelFault:
            return None


async def wait_until_served(shop: Shop, label: str, version: int, seconds: float) -> bool:
    """Wait until the model server answers with a version under a label.

    Returns:
        Whether it does; False after `seconds`.
    """
    ends = monotonic() + seconds
    while (await served_version(shop, label)) != version:
        if monotonic() >= ends:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
