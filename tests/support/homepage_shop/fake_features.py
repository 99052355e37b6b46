from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.homepage_shop.behavior import Behavior
from tests.support.homepage_shop.shop import FakeShop
from vitrine.features.v1 import catalog_service_pb2 as catalog
from vitrine.features.v1 import feature_service_pb2 as features
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceServicer, add_CatalogServiceServicer_to_server
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceServicer, add_FeatureServiceServicer_to_server
from vitrine.features.v1.item_pb2 import Item, ItemKind
from vitrine.features.v1.user_features_pb2 import UserFeatures


class FakeFeatures(CatalogServiceServicer, FeatureServiceServicer):
    """The features service over a FakeShop; `gone` items have good states and are no longer found."""

    def __init__(self, shop: FakeShop) -> None:
        self.shop = shop
        self.behavior = Behavior()
        self.gone: set[int] = set()
        self.seen_consents: list[int] = []

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds both services to `server`."""
        add_CatalogServiceServicer_to_server(self, server)
        add_FeatureServiceServicer_to_server(self, server)

    async def GetUserFeatures(self, request: features.GetUserFeaturesRequest, context: Any) -> Any:
        await self.behavior.enter(context, "GetUserFeatures")
        self.seen_consents.append(request.consent)
        visitor = request.visitor
        known = self.shop.users.get(visitor.user_id or visitor.anonymous_id)
        user = UserFeatures(visitor=visitor, query_time_millis=_millis(request.query_time))
        if known is not None:
            user.MergeFrom(known)
            user.known = True
        return features.GetUserFeaturesResponse(features=user)

    async def LookupItemStates(self, request: catalog.LookupItemStatesRequest, context: Any) -> Any:
        await self.behavior.enter(context, "LookupItemStates")
        response = catalog.LookupItemStatesResponse(catalog_version=1)
        groups: dict[str, int] = {}
        for number in request.item_nos:
            item = self.shop.items.get(number, Item())
            response.flags.append(_flags(item))
            response.available_from_millis.append(_millis(item.available_from_time))
            response.available_until_millis.append(_millis(item.available_until_time))
            response.minimum_ages.append(item.minimum_age)
            group = groups.setdefault(item.group_id, 1_000_000 + number) if item.group_id else number
            response.group_nos.append(group)
            response.category_nos.append(self.shop.category_no(item))
            response.brand_nos.append(1 if item.brand == "National" else 2)
            response.prices.append(item.price if item.HasField("price") else -1)
            response.kinds.append(item.kind)
        return response

    async def LookupItems(self, request: catalog.LookupItemsRequest, context: Any) -> Any:
        await self.behavior.enter(context, "LookupItems")
        numbers = [self.shop.number_of(item_id) for item_id in request.item_ids] + list(request.item_nos)
        found = [number for number in numbers if number in self.shop.items and number not in self.gone]
        return catalog.LookupItemsResponse(items=[self.shop.catalog_item(number) for number in found])

    async def ListCategories(self, request: catalog.ListCategoriesRequest, context: Any) -> Any:
        await self.behavior.enter(context, "ListCategories")
        start = int(request.page_token or 0)
        nodes = self.shop.categories() if self.shop.items else []
        token = str(start + 5) if start + 5 < len(nodes) else ""
        return catalog.ListCategoriesResponse(categories=nodes[start : start + 5], next_page_token=token)

    async def ListTopItems(self, request: features.ListTopItemsRequest, context: Any) -> Any:
        await self.behavior.enter(context, "ListTopItems")
        numbers = sorted(self.shop.items)[: request.limit]
        if request.window == features.STATISTICS_WINDOW_DECAYED_1D:  # the last ones rise
            numbers = sorted(self.shop.items)[-60:]
        return features.ListTopItemsResponse(item_nos=numbers, values=[100.0 - n * 0.1 for n in range(len(numbers))])


def _flags(item: Item) -> int:
    if not item.item_id:
        return 0
    in_stock = not item.HasField("stock") or item.stock > 0
    priced = item.HasField("price") or item.kind != ItemKind.ITEM_KIND_PRODUCT
    reduced = item.HasField("list_price") and item.list_price > item.price
    return 1 + 2 * item.hidden + 4 * in_stock + 8 * priced + 16 * reduced


def _millis(timestamp: Timestamp) -> int:
    return timestamp.seconds * 1000 + timestamp.nanos // 1_000_000
