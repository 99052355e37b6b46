"""A new item that shares no word with any other is found by its vector, by the service, on both engines."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.integration.candidates.test_candidates_service import Service, change, service, until
from tests.integration.candidates.test_elasticsearch import answers, searching
from tests.support.candidates_shop import NOW, viewed
from tests.support.elasticsearch import own_indexes
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.candidates.v1 import vector_status_pb2
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.user_features_pb2 import UserFeatures

OTHERS = ("popular", "new_arrivals", "on_sale", "trending")


def pictured(item_no: int, title: str, picture: Sequence[float], price: float) -> CatalogChange:
    made = change(item_no, title, f"aisle {item_no}")
    made.item.price = price
    made.item.vectors["picture"].values.extend(picture)
    return made


@pytest.fixture(params=["embedded", pytest.param("elasticsearch", marks=pytest.mark.real)])
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Service]:
    """A shop of a red and a blue item."""
    items = [pictured(1, "tulip", [1.0, 0.1, 0.0], 1.0), pictured(2, "kettle", [0.0, 0.1, 1.0], 50.0)]
    if request.param == "embedded":
        async with service(tmp_path, *items) as embedded:
            yield embedded
        return
    address: str = request.getfixturevalue("elasticsearch_address")
    async with own_indexes(address) as alias, searching(tmp_path, address, alias, *items) as elastic:
        await answers(elastic)
        yield elastic


async def similar_to(shop: Service, item_no: int) -> pb.ListSimilarItemsResponse:
    request = pb.ListSimilarItemsRequest(item_no=item_no)
    request.query_time.FromMilliseconds(NOW)
    answer: pb.ListSimilarItemsResponse = await shop.stub.ListSimilarItems(request, timeout=5)
    assert not answer.failed_sources
    return answer


async def test_it_is_in_answers_within_a_second(shop: Service) -> None:
    shopper = viewed(UserFeatures(), 1)
    await shop.catalog.put(pictured(3, "scarf", [1.0, 0.0, 0.1], 500.0))

    async def found() -> bool:
        answer = await shop.retrieve(shopper, quotas=[pb.SourceQuota(source=name, quota=0) for name in OTHERS])
        return 3 in answer.item_nos

    assert await until(found) < 1.0
    response = await shop.retrieve(shopper)
    columns = next(columns for columns in response.sources if columns.source == "content")
    assert [response.item_nos[place] for place in columns.positions][:1] == [3]
    assert columns.evidence_item_nos[0] == 1
    similar = await similar_to(shop, 3)
    assert list(similar.item_nos) == [1, 2]
    assert list(similar.sources) == ["content", "content"]
    assert list(similar.scores) == pytest.approx([0.49, 0.05], abs=0.02)


async def test_the_status_says_how_the_vectors_stand(shop: Service) -> None:
    await shop.catalog.put(pictured(3, "scarf", [1.0, 0.0], 500.0), pictured(4, "stone", [0.0, 0.0, 0.0], 900.0))

    async def counted() -> bool:
        (status,) = (await shop.status()).named_vectors
        return len(status.left_out) == 2

    await until(counted)
    (status,) = (await shop.status()).named_vectors
    assert (status.name, status.dimensions, status.weight, status.item_count) == ("picture", 3, 1.0, 2)
    assert {left_out.fault: left_out.item_count for left_out in status.left_out} == {
        vector_status_pb2.VECTOR_FAULT_ANOTHER_LENGTH: 1,
        vector_status_pb2.VECTOR_FAULT_ZERO: 1,
    }


async def test_the_catalog_is_asked_for_vectors_only_where_they_are_kept(shop: Service) -> None:
    asked = [request.vectors for request in shop.catalog.requests]
    assert asked.count(True) == 1
    assert all(request.brief for request in shop.catalog.requests)
