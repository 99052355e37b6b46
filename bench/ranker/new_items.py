"""How soon an item that came after the training is found by its vector."""

import asyncio
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cli.figures import Figures
from cli.shop import Shop
from services.common.timestamps import to_timestamp
from vitrine.candidates.v1.candidate_service_pb2 import RetrieveCandidatesRequest
from vitrine.candidates.v1.candidate_service_pb2_grpc import CandidateServiceStub
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.features.v1.catalog_service_pb2 import DeleteItemsRequest, ItemUpdate, UpsertItemsRequest
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub
from vitrine.features.v1.item_pb2 import Item
from vitrine.features.v1.user_features_pb2 import UserFeatures

if TYPE_CHECKING:
    from vitrine.candidates.v1.candidate_service_pb2_grpc import CandidateServiceAsyncStub

ITEMS: Final = 20
LONGEST_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.002


async def measure_new_items(figures: Figures, shop: Shop, user: UserFeatures) -> None:
    """Says how long it takes at the most, of 20 items one after the other."""
    seconds = [await seconds_to_embedding(shop, user) for _ in range(ITEMS)]
    figures.say("candidates.upsert_to_embedding_ms", 1000 * max(seconds), "ms")


async def seconds_to_embedding(shop: Shop, user: UserFeatures) -> float:
    """Upserts an item, and returns the time until the source `embedding` proposes it to the user, who has a history.

    The request's filter leaves this item alone. It is deleted at the end. Raises TimeoutError after half a minute.
    """
    brand = f"Brand {uuid.uuid4()}"
    item = Item(item_id=f"item {uuid.uuid4()}", title="New", brand=brand, price=3.0)
    item.category_paths.append(CategoryPath(names=["New"]))
    request = RetrieveCandidatesRequest(user=user, filter=ItemFilter(brands=[brand]))
    request.query_time.CopyFrom(to_timestamp(datetime.now(UTC)))
    async with shop.channel("features") as features, shop.channel("candidates") as candidates:
        catalog, stub = CatalogServiceStub(features), CandidateServiceStub(candidates)
        began = time.perf_counter()
        await catalog.UpsertItems(UpsertItemsRequest(updates=[ItemUpdate(item=item)]))
        async with asyncio.timeout(LONGEST_SECONDS):
            while not await _embedded(stub, request):  # noqa: ASYNC110  # a process
                await asyncio.sleep(POLL_SECONDS)
        took = time.perf_counter() - began
        await catalog.DeleteItems(DeleteItemsRequest(item_ids=[item.item_id]))
    return took


async def _embedded(stub: "CandidateServiceAsyncStub", request: RetrieveCandidatesRequest) -> bool:
    response = await stub.RetrieveCandidates(request, timeout=5)
    return any(columns.source == "embedding" and columns.positions for columns in response.sources)
