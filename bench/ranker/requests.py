import random
from typing import TYPE_CHECKING, Final

import pandas as pd

from cli.shop import Shop
from demo.shop_files import ShopFiles
from services.common.timestamps import to_timestamp
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.features.v1.catalog_service_pb2 import TailCatalogRequest
from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceStub
from vitrine.features.v1.feature_service_pb2 import GetUserFeaturesRequest
from vitrine.features.v1.feature_service_pb2_grpc import FeatureServiceStub
from vitrine.ranker.v1.ranker_service_pb2 import ScoreItemsRequest

if TYPE_CHECKING:
    from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceAsyncStub

CANDIDATES: Final = 300
HOUSEHOLDS: Final = 100
OWN: Final = 100
"""At most so many candidates are what the household bought before: the rest is drawn from the catalog."""


async def score_requests(shop: Shop, files: ShopFiles) -> list[ScoreItemsRequest]:
    """Real households, with what is known of them now, and 300 candidates for each."""
    chooser = random.Random(7)
    purchases = pd.read_parquet(files.events, columns=["user_id", "event_time"])
    end = to_timestamp(pd.to_datetime(purchases.event_time, utc=True).max().to_pydatetime())
    households = chooser.sample(sorted(purchases.user_id.unique()), HOUSEHOLDS)
    async with shop.channel("features") as channel:
        item_nos = await _item_nos(CatalogServiceStub(channel))
        features = FeatureServiceStub(channel)
        requests = []
        for household in households:
            visitor = Visitor(user_id=household)
            found = await features.GetUserFeatures(GetUserFeaturesRequest(visitor=visitor, query_time=end), timeout=10)
            own = list(found.features.counters.item_nos)[:OWN]
            others = [number for number in chooser.sample(item_nos, CANDIDATES + OWN) if number not in own]
            candidates = [*own, *others][:CANDIDATES]
            chooser.shuffle(candidates)
            requests.append(ScoreItemsRequest(user=found.features, item_nos=candidates, query_time=end))
    return requests


async def _item_nos(catalog: "CatalogServiceAsyncStub") -> list[int]:
    request = TailCatalogRequest(batch_size=1000, brief=True)
    return [change.item_no async for response in catalog.TailCatalog(request) for change in response.changes]
