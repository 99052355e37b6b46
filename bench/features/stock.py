"""Whether many changes of the catalog at once disturb its readers."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final

from bench.features.shop import BenchShop, Say, milliseconds
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.features.v1.catalog_service_pb2 import (
    ItemStatus,
    ItemUpdate,
    LookupItemStatesRequest,
    UpsertItemsRequest,
)
from vitrine.features.v1.feature_service_pb2 import GetUserFeaturesRequest
from vitrine.features.v1.item_pb2 import Item

UPDATES: Final = 100_000
BATCH: Final = 1_000
CANDIDATES: Final = 300
QUIET_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 0.005


async def measure_stock(say: Say, shop: BenchShop, users: list[str], items: list[str]) -> None:
    """Says what a page's two reads take, the states of 300 items and a user's features, before and while a shop's
    backend sends 100,000 new stocks as fast as they are taken, and how fast that is.
    """
    await _read_while(say, shop, users, "quiet", lambda: asyncio.sleep(QUIET_SECONDS))
    chooser = random.Random(13)
    requests = [
        UpsertItemsRequest(
            updates=[_stock(item_id, chooser.randrange(1, 1_000)) for item_id in chooser.choices(items, k=BATCH)]
        )
        for _ in range(UPDATES // BATCH)
    ]

    async def update() -> None:
        began = time.perf_counter()
        for request in requests:
            results = (await shop.backend.UpsertItems(request)).results
            if any(result.status == ItemStatus.ITEM_STATUS_REJECTED for result in results):
                raise RuntimeError("a stock was refused")
        say("stock_updates", UPDATES / (time.perf_counter() - began), "/s")

    await _read_while(say, shop, users, "stock", update)


async def _read_while(
    say: Say, shop: BenchShop, users: list[str], name: str, work: Callable[[], Awaitable[None]]
) -> None:
    working = asyncio.ensure_future(work())
    chooser = random.Random(17)
    states, features = [], []
    while not working.done():
        asked = LookupItemStatesRequest(item_nos=[chooser.randrange(1, 90_000) for _ in range(CANDIDATES)])
        began = time.perf_counter()
        await shop.catalog.LookupItemStates(asked)
        between = time.perf_counter()
        await shop.features.GetUserFeatures(GetUserFeaturesRequest(visitor=Visitor(user_id=chooser.choice(users))))
        states.append(between - began)
        features.append(time.perf_counter() - between)
        await asyncio.sleep(PAUSE_SECONDS)
    await working
    say(f"states_{CANDIDATES}_p99_{name}", milliseconds(states, 99), "ms")
    say(f"user_p99_{name}", milliseconds(features, 99), "ms")


def _stock(item_id: str, stock: int) -> ItemUpdate:
    update = ItemUpdate(item=Item(item_id=item_id, stock=stock))
    update.update_mask.paths.append("stock")
    return update
