"""How long readers wait for what the feature store knows."""

import asyncio
import random
from typing import Final

from bench.features.shop import BenchShop, Say, milliseconds, timed
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.features.v1.catalog_service_pb2 import (
    ItemUpdate,
    LookupItemsRequest,
    LookupItemStatesRequest,
    UpsertItemsRequest,
)
from vitrine.features.v1.feature_service_pb2 import GetUserFeaturesRequest
from vitrine.features.v1.item_pb2 import ITEM_KIND_PRODUCT, Item

ENTITIES: Final = 100
FEATURES: Final = 50
ITEMS: Final = 2_000
CALLS: Final = 1_000
WARM_UP: Final = 50


async def measure_lookups(say: Say, shop: BenchShop, users: list[str]) -> None:
    """Says the figures.

    `lookup_100x50`: one LookupItems of 100 items of 50 values each, of another 100 each time. `states_100`: one
    LookupItemStates of 100 items, its 11 columns. `user`: one GetUserFeatures of a user with a history. `users_100`:
    100 users, in as many calls at once, until the last one is there: there is no call for several.
    """
    numbers = await _upsert_wide_items(shop)
    chooser = random.Random(7)

    async def items() -> None:
        request = LookupItemsRequest(item_nos=chooser.sample(numbers, ENTITIES))
        found = (await shop.catalog.LookupItems(request)).items
        if len(found) != ENTITIES:
            raise RuntimeError(f"{len(found)} of {ENTITIES} items were found")

    async def states() -> None:
        await shop.catalog.LookupItemStates(LookupItemStatesRequest(item_nos=chooser.sample(numbers, ENTITIES)))

    async def user() -> None:
        await _features(shop, chooser.choice(users))

    async def hundred_users() -> None:
        await asyncio.gather(*(_features(shop, name) for name in chooser.sample(users, ENTITIES)))

    for name, call, count in (
        (f"lookup_{ENTITIES}x{FEATURES}", items, CALLS),
        (f"states_{ENTITIES}", states, CALLS),
        ("user", user, CALLS),
        (f"users_{ENTITIES}", hundred_users, CALLS // 10),
    ):
        await timed(call, WARM_UP)
        seconds = await timed(call, count)
        say(f"{name}_p50", milliseconds(seconds, 50), "ms")
        say(f"{name}_p99", milliseconds(seconds, 99), "ms")


async def _features(shop: BenchShop, user_id: str) -> None:
    known = (await shop.features.GetUserFeatures(GetUserFeaturesRequest(visitor=Visitor(user_id=user_id)))).features
    if not known.known:
        raise RuntimeError(f"nothing is known of user {user_id}")


async def _upsert_wide_items(shop: BenchShop) -> list[int]:
    """Adds items of 50 values; returns their numbers."""
    numbers: list[int] = []
    for start in range(0, ITEMS, 1_000):
        updates = [ItemUpdate(item=_wide_item(number)) for number in range(start, start + 1_000)]
        results = (await shop.backend.UpsertItems(UpsertItemsRequest(updates=updates))).results
        numbers += [result.item_no for result in results]
    if not all(numbers):
        raise RuntimeError("an item was refused")
    return numbers


def _wide_item(number: int) -> Item:
    item = Item(
        item_id=f"wide {number}",
        kind=ITEM_KIND_PRODUCT,
        group_id=f"group {number // 4}",
        title=f"A title of five words {number}",
        description="A sentence or two about what it is, for whom, and why one would want to have it. " * 2,
        brand=f"Brand {number % 90}",
        price=number % 1_000 / 7,
        list_price=number % 1_000 / 5,
        currency_code="EUR",
        stock=number % 40 + 1,
        margin=0.3,
        url=f"https://shop.example/items/{number}",
        image_url=f"https://shop.example/images/{number}.jpg",
    )
    item.category_paths.add().names.extend(["Wide", f"Shelf {number % 40}"])
    while len(item.attributes) < FEATURES - len(item.ListFields()):  # the fields, and the attributes as one of them
        name = f"feature {len(item.attributes)}"
        if len(item.attributes) % 2:
            item.attributes[name].number = number / (len(item.attributes) + 1)
        else:
            item.attributes[name].text = f"value {number % 17}"
    return item
