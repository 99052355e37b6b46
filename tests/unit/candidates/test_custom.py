import asyncio

import grpc
import pytest

from services.candidates.metrics import CandidateMetrics
from services.candidates.retrieval import Retriever
from services.candidates.sources.custom import Custom
from services.common.errors import UnavailableError
from services.common.telemetry.metrics import Metrics
from tests.support.candidates_shop import NOW, Shop, viewed
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.features.v1.user_features_pb2 import UserFeatures


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    for item_no in range(1, 11):
        shop.put(item_no)
    shop.open()
    return shop


def lost() -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())


async def test_the_shops_own_order_and_evidence_stand(shop: Shop) -> None:
    source = shop.own_source(3, 1, 99, 3, 2, evidence_item_ids=["item-7", "", "", "", "unknown"])
    query = shop.query(viewed(UserFeatures(), 7), item_filter=ItemFilter(maximum_price=5.0))
    proposals = await Custom(shop.inputs).propose(query, 10)
    assert proposals.item_nos.tolist() == [3, 1, 2]
    assert proposals.evidence_item_nos is not None
    assert proposals.evidence_item_nos.tolist() == [7, 0, 0]
    assert "1 of its items" in proposals.note
    (request,) = source.requests
    assert request.query_time.ToMilliseconds() == NOW
    assert (request.limit, request.filter.maximum_price) == (10, 5.0)
    assert list(request.user.recent.item_nos) == [7]


async def test_scores_decide_and_those_that_are_not_finite_are_passed_over(shop: Shop) -> None:
    shop.own_source(1, 2, 3, scores=[0.5, float("nan"), 0.9])
    assert (await Custom(shop.inputs).propose(shop.query(), 10)).item_nos.tolist() == [3, 1]


async def test_scores_that_do_not_belong_to_the_items_are_refused(shop: Shop) -> None:
    shop.own_source(1, 2, 3, scores=[0.5])
    proposals = await Custom(shop.inputs).propose(shop.query(), 10)
    assert len(proposals) == 0
    assert "1 scores for 3 items" in proposals.note


async def test_one_that_fails_again_and_again_is_not_asked_for_a_while(shop: Shop) -> None:
    source = shop.own_source(1)
    source.fault = lost()
    custom = Custom(shop.inputs)
    for _ in range(3):
        assert custom.unready() == ""
        with pytest.raises(UnavailableError, match="answers UNAVAILABLE"):
            await custom.propose(shop.query(), 10)
    assert "not asked" in custom.unready()
    assert len(source.requests) == 3


async def test_a_shop_without_one_is_told_how_to_name_it(shop: Shop) -> None:
    assert "VITRINE_CANDIDATES_CUSTOM_SOURCE_ADDRESS" in Custom(shop.inputs).unready()


async def test_clients_that_go_away_do_not_stop_it_from_being_asked(shop: Shop) -> None:
    source = shop.own_source(1)
    source.hangs = True
    custom = Custom(shop.inputs)
    retriever = Retriever([custom], {}, {}, 10.0, CandidateMetrics(Metrics("candidates")))
    for _ in range(5):
        task = asyncio.create_task(retriever.retrieve(shop.query(), 10, {}, 10.0))
        await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert custom.unready() == ""
    assert len(source.requests) == 5


async def test_one_that_is_late_again_and_again_is_not_asked_for_a_while(shop: Shop) -> None:
    shop.own_source(1).hangs = True
    custom = Custom(shop.inputs)
    retriever = Retriever([custom], {}, {}, 0.005, CandidateMetrics(Metrics("candidates")))
    for _ in range(3):
        await retriever.retrieve(shop.query(), 10, {}, 10.0)
    assert "not asked" in custom.unready()


async def test_impatient_clients_do_not_stop_it_from_being_asked(shop: Shop) -> None:
    shop.own_source(1).hangs = True
    custom = Custom(shop.inputs)
    retriever = Retriever([custom], {}, {}, 10.0, CandidateMetrics(Metrics("candidates")))
    for _ in range(5):
        await retriever.retrieve(shop.query(), 10, {}, 0.005)
    assert custom.unready() == ""
