from collections.abc import Sequence
from datetime import datetime

import grpc
import numpy as np
from numpy.typing import NDArray

from cli.evaluation.at_once import ask_all
from cli.evaluation.rankings.ranking import LENGTH
from cli.evaluation.shop_view import TIMEOUT_SECONDS, ShopView
from services.common.progress import Progress
from services.common.timestamps import to_timestamp
from vitrine.common.v1 import visitor_pb2
from vitrine.homepage.v1 import homepage_service_pb2, homepage_service_pb2_grpc, page_pb2


class ServedFeed:
    """What the gateway serves: the first cards of the page's feed, as of a time."""

    name = "served feed"
    meaning = "What the shop's pages show: the first cards of “Picked for you”."

    def __init__(self, homepage: grpc.aio.Channel, shop: ShopView, query_time: datetime) -> None:
        self._homepage = homepage_service_pb2_grpc.HomepageServiceStub(homepage)
        self._shop = shop
        self._time = to_timestamp(query_time)

    async def rank(self, user_ids: Sequence[str], progress: Progress) -> dict[str, NDArray[np.int64]]:
        with progress.task("asking for pages", len(user_ids)) as task:
            return await ask_all(user_ids, self._feed, task.advance)

    async def _feed(self, user_id: str) -> NDArray[np.int64]:
        request = homepage_service_pb2.GetHomepageRequest(
            visitor=visitor_pb2.Visitor(user_id=user_id), replay_time=self._time, unlogged=True
        )
        response = await self._homepage.GetHomepage(request, timeout=TIMEOUT_SECONDS)
        for shelf in response.page.shelves:
            if shelf.kind == page_pb2.SHELF_KIND_PICKED_FOR_YOU:
                return self._shop.item_nos([card.item.item_id for card in shelf.cards[:LENGTH]])
        return np.zeros(0, np.int64)
