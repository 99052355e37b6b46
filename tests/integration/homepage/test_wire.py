"""Each RPC once over real gRPC; the other tests call in one process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.homepage_shop.harness import NOBODY, Harness, wire_harness
from tests.support.homepage_shop.shop import filled_shop
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1 import event_service_pb2
from vitrine.events.v1.event_pb2 import EVENT_TYPE_VIEW, Event
from vitrine.homepage.v1 import homepage_service_pb2 as homepage
from vitrine.homepage.v1 import page_pb2


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Harness]:
    async with wire_harness(filled_shop(), tmp_path) as running:
        yield running


async def test_get_homepage_and_list_shelf_items(shop: Harness) -> None:
    page = await shop.page(visitor=Visitor(user_id="someone"))
    assert page.degradation_step == page_pb2.DEGRADATION_STEP_FULL
    assert page.versions.model_version == "model-1"
    request = homepage.ListShelfItemsRequest(cursor=page.shelves[0].cursor, page_size=5)
    further = await shop.stub.ListShelfItems(request, timeout=5)
    assert [card.position for card in further.cards] == list(range(12, 17))


async def test_get_similar_items(shop: Harness) -> None:
    request = homepage.GetSimilarItemsRequest(item_id="item-50", visitor=NOBODY, limit=3)
    shelf = (await shop.stub.GetSimilarItems(request, timeout=5)).shelf
    assert [card.item.item_id for card in shelf.cards] == ["item-51", "item-52", "item-53"]


async def test_ingest_events(shop: Harness) -> None:
    event = Event(event_id="e1", visitor=NOBODY, type=EVENT_TYPE_VIEW, item_id="item-1")
    response = await shop.stub.IngestEvents(homepage.IngestEventsRequest(events=[event]), timeout=5)
    assert [result.status for result in response.results] == [event_service_pb2.EVENT_STATUS_STORED]
    assert shop.events.events == [event]


async def test_errors_have_field_reason_and_remedy(shop: Harness) -> None:
    error = await shop.error("GetHomepage", homepage.GetHomepageRequest(visitor=NOBODY, layout="nowhere"))
    assert (error.code.name, error.reason) == ("INVALID_ARGUMENT", "UNKNOWN_LAYOUT")
    assert [violation.field for violation in error.violations] == ["layout"]
    assert "feed, home" in error.violations[0].description


@pytest.mark.parametrize("seconds", [0.25, 0.6])
async def test_page_arrives_within_the_clients_deadline(shop: Harness, tmp_path: Path, seconds: float) -> None:
    await shop.static_pages_kept(tmp_path)
    for name in ("features", "candidates", "ranker"):
        getattr(shop, name).behavior.delay = 30
    page = await shop.page(timeout=seconds)
    assert page.degradation_step == page_pb2.DEGRADATION_STEP_STATIC
