import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import grpc
import numpy as np
from google.protobuf import field_mask_pb2

from services.common.timestamps import to_timestamp
from vitrine.common.v1 import visitor_pb2
from vitrine.events.v1 import event_pb2
from vitrine.features.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    feature_service_pb2,
    feature_service_pb2_grpc,
)
from vitrine.homepage.v1 import homepage_service_pb2, homepage_service_pb2_grpc, page_pb2

TIMEOUT_SECONDS = 10.0
LENGTH = 10


class Ranking(Protocol):
    """One way of ordering the shop for a user."""

    async def rank(self, user_id: str, query_time: datetime) -> Sequence[str]:
        """The first `LENGTH` item ids for a user, as of a time."""


class ServedFeed:
    """What the gateway serves: the first cards of the page's feed."""

    def __init__(self, homepage: grpc.aio.Channel) -> None:
        self._homepage = homepage_service_pb2_grpc.HomepageServiceStub(homepage)

    async def rank(self, user_id: str, query_time: datetime) -> Sequence[str]:
        """The items of the feed's first cards."""
        response = await self._homepage.GetHomepage(
            homepage_service_pb2.GetHomepageRequest(
                visitor=visitor_pb2.Visitor(user_id=user_id), replay_time=to_timestamp(query_time), unlogged=True
            ),
            timeout=TIMEOUT_SECONDS,
        )
        for shelf in response.page.shelves:
            if shelf.kind == page_pb2.SHELF_KIND_PICKED_FOR_YOU:
                return [card.item.item_id for card in shelf.cards[:LENGTH]]
        return []


class Popularity:
    """What most was bought of, the same for every user.

    Args:
        item_ids: the shop's items by number of purchases, the most bought first.
    """

    def __init__(self, item_ids: Sequence[str]) -> None:
        self._item_ids = item_ids

    async def rank(self, user_id: str, query_time: datetime) -> Sequence[str]:
        """The most bought items."""
        return self._item_ids[:LENGTH]


class PersonalFrequency:
    """What the user bought most often, the last bought first among equals, then what all buy."""

    def __init__(self, features: grpc.aio.Channel, popular: Sequence[str]) -> None:
        self._features = feature_service_pb2_grpc.FeatureServiceStub(features)
        self._names = ItemNames(features)
        self._popular = popular

    async def rank(self, user_id: str, query_time: datetime) -> Sequence[str]:
        """The user's own items by number of purchases."""
        response = await self._features.GetUserFeatures(
            feature_service_pb2.GetUserFeaturesRequest(
                visitor=visitor_pb2.Visitor(user_id=user_id), query_time=to_timestamp(query_time)
            ),
            timeout=TIMEOUT_SECONDS,
        )
        counters = response.features.counters
        counts = np.asarray(counters.purchase_counts)
        order = np.lexsort((-np.asarray(counters.last_purchase_millis), -counts))
        own = [counters.item_nos[place] for place in order[:LENGTH] if counts[place] > 0]
        names = await self._names.of(own)
        ranked = [names[number] for number in own if number in names]
        return [*ranked, *(item for item in self._popular if item not in ranked)][:LENGTH]


class ItemNames:
    """The shop's ids of items, by number."""

    def __init__(self, features: grpc.aio.Channel) -> None:
        self._catalog = catalog_service_pb2_grpc.CatalogServiceStub(features)
        self._known: dict[int, str] = {}

    async def of(self, item_nos: Sequence[int]) -> Mapping[int, str]:
        """The ids of those of the items that are in the catalogue."""
        wanted = [number for number in item_nos if number not in self._known]
        if wanted:
            response = await self._catalog.LookupItems(
                catalog_service_pb2.LookupItemsRequest(
                    item_nos=wanted, read_mask=field_mask_pb2.FieldMask(paths=["item_id"])
                ),
                timeout=TIMEOUT_SECONDS,
            )
            self._known.update({found.item_no: found.item.item_id for found in response.items})
        return self._known


async def popular_items(features: grpc.aio.Channel) -> list[str]:
    """The most bought items of the shop, more than any ranking needs."""
    stub = feature_service_pb2_grpc.FeatureServiceStub(features)
    top = await stub.ListTopItems(
        feature_service_pb2.ListTopItemsRequest(
            type=event_pb2.EVENT_TYPE_PURCHASE, window=feature_service_pb2.STATISTICS_WINDOW_ALL, limit=2 * LENGTH
        ),
        timeout=TIMEOUT_SECONDS,
    )
    names = await ItemNames(features).of(top.item_nos)
    return [names[number] for number in top.item_nos if number in names]


async def rank_all(
    ranking: Ranking, user_ids: Sequence[str], query_time: datetime, *, callers: int, advance: "Advance"
) -> dict[str, Sequence[str]]:
    """Asks a ranking for every user, `callers` at a time."""
    gate = asyncio.Semaphore(callers)

    async def one(user_id: str) -> tuple[str, Sequence[str]]:
        async with gate:
            ranked = await ranking.rank(user_id, query_time)
        advance(1)
        return user_id, ranked

    return dict(await asyncio.gather(*(one(user_id) for user_id in user_ids)))


class Advance(Protocol):
    """Told how many more users are done."""

    def __call__(self, count: int) -> None:
        """Count on."""
