import asyncio
from datetime import UTC, datetime

import pytest

from bench.ranker.new_items import seconds_to_embedding
from cli.shop import Shop
from services.common.timestamps import to_timestamp
from tests.e2e.conftest import RunningShop
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.features.v1.feature_service_pb2 import GetUserFeaturesRequest
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceStub
from vitrine.features.v1.user_features_pb2 import UserFeatures

pytestmark = pytest.mark.slow


async def _features_of(shop: Shop, user_id: str) -> UserFeatures:
    request = GetUserFeaturesRequest(visitor=Visitor(user_id=user_id), query_time=to_timestamp(datetime.now(UTC)))
    async with shop.channel("features") as channel:
        return (await FeatureServiceStub(channel).GetUserFeatures(request, timeout=10)).features


async def _seconds(shop: Shop, user_id: str) -> list[float]:
    user = await _features_of(shop, user_id)
    return [await seconds_to_embedding(shop, user) for _ in range(6)]


def test_the_model_finds_a_new_item_within_a_second(shop: RunningShop) -> None:
    seconds = asyncio.run(_seconds(Shop(shop.state_directory, shop.environment), shop.files.user_ids[0]))
    # With the first the model server meets so few items for the first time.
    assert max(seconds[1:]) < 1.0, seconds
