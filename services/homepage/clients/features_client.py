"""The homepage's client of the features service."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from services.common.circuit_breaker import CircuitBreaker
from services.common.timestamps import millis_to_timestamp
from services.homepage.clients.guarded_call import GuardedCall
from vitrine.common.v1.visitor_pb2 import Consent, Visitor
from vitrine.features.v1 import catalog_service_pb2 as catalog
from vitrine.features.v1 import catalog_service_pb2_grpc, feature_service_pb2_grpc
from vitrine.features.v1 import feature_service_pb2 as features
from vitrine.features.v1.user_features_pb2 import UserFeatures

_LOOKUP_LIMIT: Final = 1000
_CATEGORY_PAGE: Final = 1000

# The fields that cards and the last checks need; descriptions and vectors would be most of the bytes.
CARD_FIELDS: Final = FieldMask(
    paths=[
        "item_id", "kind", "group_id", "creator_id", "title", "category_paths", "brand", "price", "list_price",
        "currency_code", "stock", "hidden", "available_from_time", "available_until_time", "minimum_age", "url",
        "image_url", "badges",
    ]
)  # fmt: skip
FILTERED_CARD_FIELDS: Final = FieldMask(paths=[*CARD_FIELDS.paths, "attributes"])
ID_ONLY: Final = FieldMask(paths=["item_id"])


class Features(Protocol):
    """The features service, as the homepage sees it. Methods raise only VitrineError."""

    async def user_features(
        self, visitor: Visitor, query_millis: int, consent: Consent.ValueType, seconds: float
    ) -> UserFeatures:
        """Returns the visitor's features."""
        ...

    async def item_states(self, item_nos: Sequence[int], seconds: float) -> catalog.LookupItemStatesResponse:
        """Returns the states of up to 10,000 items, in columns."""
        ...

    async def items(
        self,
        item_nos: Sequence[int],
        seconds: float,
        *,
        item_ids: Sequence[str] = (),
        read_mask: FieldMask = CARD_FIELDS,
    ) -> list[catalog.CatalogItem]:
        """Returns the items that are in the catalog."""
        ...

    async def categories(self, seconds: float) -> list[catalog.Category]:
        """Returns the whole category tree."""
        ...

    async def top_items(
        self, window: features.StatisticsWindow.ValueType, limit: int, seconds: float
    ) -> features.ListTopItemsResponse:
        """Returns the items with the most events in the window."""
        ...


class FeaturesClient:
    """The features service over gRPC, with a circuit breaker per method."""

    def __init__(self, channel: grpc.aio.Channel, breaker: Callable[[], CircuitBreaker]) -> None:
        catalog_stub = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        feature_stub = feature_service_pb2_grpc.FeatureServiceStub(channel)
        self._user_features = GuardedCall("GetUserFeatures", feature_stub.GetUserFeatures, breaker())
        self._top_items = GuardedCall("ListTopItems", feature_stub.ListTopItems, breaker())
        self._states = GuardedCall("LookupItemStates", catalog_stub.LookupItemStates, breaker())
        self._items = GuardedCall("LookupItems", catalog_stub.LookupItems, breaker())
        self._categories = GuardedCall("ListCategories", catalog_stub.ListCategories, breaker())

    async def user_features(
        self, visitor: Visitor, query_millis: int, consent: Consent.ValueType, seconds: float
    ) -> UserFeatures:
        request = features.GetUserFeaturesRequest(
            visitor=visitor, query_time=millis_to_timestamp(query_millis), consent=consent
        )
        return (await self._user_features(request, seconds)).features

    async def item_states(self, item_nos: Sequence[int], seconds: float) -> catalog.LookupItemStatesResponse:
        return await self._states(catalog.LookupItemStatesRequest(item_nos=item_nos), seconds)

    async def items(
        self,
        item_nos: Sequence[int],
        seconds: float,
        *,
        item_ids: Sequence[str] = (),
        read_mask: FieldMask = CARD_FIELDS,
    ) -> list[catalog.CatalogItem]:
        requests = [
            catalog.LookupItemsRequest(item_nos=item_nos[start : start + _LOOKUP_LIMIT], read_mask=read_mask)
            for start in range(0, len(item_nos), _LOOKUP_LIMIT)
        ] + [
            catalog.LookupItemsRequest(item_ids=item_ids[start : start + _LOOKUP_LIMIT], read_mask=read_mask)
            for start in range(0, len(item_ids), _LOOKUP_LIMIT)
        ]
        responses = await asyncio.gather(*(self._items(request, seconds) for request in requests))
        return [item for response in responses for item in response.items]

    async def categories(self, seconds: float) -> list[catalog.Category]:
        found: list[catalog.Category] = []
        token = ""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            request = catalog.ListCategoriesRequest(page_size=_CATEGORY_PAGE, page_token=token)
            response = await self._categories(request, end - loop.time())
            found.extend(response.categories)
            token = response.next_page_token
            if not token:
                return found

    async def top_items(
        self, window: features.StatisticsWindow.ValueType, limit: int, seconds: float
    ) -> features.ListTopItemsResponse:
        return await self._top_items(features.ListTopItemsRequest(window=window, limit=limit), seconds)
