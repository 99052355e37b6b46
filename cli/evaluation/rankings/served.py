from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import grpc
import numpy as np
from numpy.typing import NDArray

from cli.evaluation.rankings.ranking import LENGTH
from cli.evaluation.shop_view import TIMEOUT_SECONDS, ShopView, ask_all
from services.common.progress import Progress
from services.common.timestamps import to_timestamp
from vitrine.candidates.v1 import candidate_service_pb2, candidate_service_pb2_grpc
from vitrine.common.v1 import visitor_pb2
from vitrine.homepage.v1 import homepage_service_pb2, homepage_service_pb2_grpc, page_pb2
from vitrine.ranker.v1 import ranker_service_pb2, ranker_service_pb2_grpc


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


CANDIDATES: Final = 300


@dataclass(frozen=True, slots=True)
class Judged:
    """One user's candidates, the probabilities that they are bought (the same shape), and what judged."""

    item_nos: NDArray[np.int64]
    purchase: NDArray[np.float64]
    by_model: bool


class RankerAlone:
    """Candidates of all sources in the ranker's order, before the page's rules. What was judged stays in `judged`."""

    name = "ranker alone"
    meaning = "The same candidates in the model's own order, before the page varies brands and kinds."

    def __init__(
        self, candidates: grpc.aio.Channel, ranker: grpc.aio.Channel, shop: ShopView, query_time: datetime
    ) -> None:
        self._candidates = candidate_service_pb2_grpc.CandidateServiceStub(candidates)
        self._ranker = ranker_service_pb2_grpc.RankerServiceStub(ranker)
        self._shop = shop
        self._time = to_timestamp(query_time)
        self.judged: dict[str, Judged] = {}

    async def rank(self, user_ids: Sequence[str], progress: Progress) -> dict[str, NDArray[np.int64]]:
        with progress.task("asking candidates and ranker", len(user_ids)) as task:
            return await ask_all(user_ids, self._rank, task.advance)

    async def _rank(self, user_id: str) -> NDArray[np.int64]:
        user = self._shop.users[user_id]
        candidates = await self._candidates.RetrieveCandidates(
            candidate_service_pb2.RetrieveCandidatesRequest(user=user, query_time=self._time, limit=CANDIDATES),
            timeout=TIMEOUT_SECONDS,
        )
        item_nos = np.array(candidates.item_nos, np.int64)
        item_nos = item_nos[np.isin(item_nos, self._shop.shown_item_nos)]
        if not len(item_nos):
            return item_nos
        scores = await self._ranker.ScoreItems(
            ranker_service_pb2.ScoreItemsRequest(user=user, query_time=self._time, item_nos=item_nos.tolist()),
            timeout=TIMEOUT_SECONDS,
        )
        by_model = scores.scorer == ranker_service_pb2.SCORER_MODEL
        for column in scores.actions:
            if column.action == ranker_service_pb2.ACTION_PURCHASE:
                self.judged[user_id] = Judged(item_nos, np.array(column.probabilities, np.float64), by_model)
        return item_nos[np.argsort(-np.array(scores.values), kind="stable")[:LENGTH]]
