"""The gateway's other calls, and requests that are wrong."""

import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.homepage.experiments import Bucket, Experiment
from services.homepage.settings import HomepageSettings
from tests.support.homepage_shop.harness import NOBODY, Harness, harness
from tests.support.homepage_shop.shop import filled_shop
from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.common.v1.item_filter_pb2 import AttributeFilter, ItemFilter
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1 import event_service_pb2
from vitrine.events.v1.event_pb2 import EVENT_TYPE_VIEW, Event
from vitrine.homepage.v1 import homepage_service_pb2 as homepage
from vitrine.homepage.v1 import page_pb2

EXPERIMENT = Experiment(
    name="quota", buckets=(Bucket(name="few", parameters={"candidate_limit": 9}), Bucket(name="many", weight=0))
)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Harness]:
    async with harness(filled_shop(), tmp_path, experiments=(EXPERIMENT,)) as running:
        yield running


BAD_REQUESTS: list[tuple[dict[str, Any], str, str]] = [
    ({"visitor": Visitor()}, "visitor", "VISITOR_REQUIRED"),
    ({"visitor": Visitor(user_id="x" * 257)}, "visitor.user_id", "ID_TOO_LONG"),
    ({"visitor": Visitor(anonymous_id="a\nb")}, "visitor.anonymous_id", "ID_CONTROL_CHARACTER"),
    ({"layout": "nowhere"}, "layout", "UNKNOWN_LAYOUT"),
    ({"max_shelves": -1}, "max_shelves", "OUT_OF_RANGE"),
    ({"cards_per_shelf": -5}, "cards_per_shelf", "OUT_OF_RANGE"),
    ({"context": {str(n): "" for n in range(33)}}, "context", "TOO_MANY"),
    ({"context": {"k" * 65: ""}}, "context['kkkkkkkkkkkkkkkk']", "TOO_LONG"),
    ({"context": {"": "v"}}, "context['']", "TOO_LONG"),
    ({"context": {"k": "v" * 1025}}, "context['k']", "TOO_LONG"),
    ({"filter": ItemFilter(minimum_price=5, maximum_price=4)}, "filter.minimum_price", "EMPTY_RANGE"),
    ({"filter": ItemFilter(minimum_price=math.nan)}, "filter.minimum_price", "NOT_FINITE"),
    ({"filter": ItemFilter(maximum_price=math.inf)}, "filter.maximum_price", "NOT_FINITE"),
    ({"filter": ItemFilter(maximum_price=-1)}, "filter.maximum_price", "OUT_OF_RANGE"),
    ({"filter": ItemFilter(categories=[CategoryPath()])}, "filter.categories[0]", "BAD_PATH"),
    ({"filter": ItemFilter(categories=[CategoryPath(names=["a"] * 17)])}, "filter.categories[0]", "BAD_PATH"),
    (
        {"filter": ItemFilter(categories=[CategoryPath(names=["a", ""])])},
        "filter.categories[0].names[1]",
        "FIELD_REQUIRED",
    ),
    ({"filter": ItemFilter(brands=["a\x00"])}, "filter.brands[0]", "CONTROL_CHARACTER"),
    ({"filter": ItemFilter(kinds=["SHOE"])}, "filter.kinds[0]", "UNKNOWN_KIND"),
    ({"filter": ItemFilter(creators=["c"] * 101)}, "filter.creators", "TOO_MANY"),
    ({"filter": ItemFilter(attributes=[AttributeFilter(name="c")])}, "filter.attributes[0].any_of", "FIELD_REQUIRED"),
    (
        {"filter": ItemFilter(attributes=[AttributeFilter(name="c", any_of=[AttributeValue()])])},
        "filter.attributes[0].any_of[0]",
        "FIELD_REQUIRED",
    ),
    (
        {"filter": ItemFilter(attributes=[AttributeFilter(name="c", any_of=[AttributeValue(number=math.nan)])])},
        "filter.attributes[0].any_of[0].number",
        "NOT_FINITE",
    ),
    ({"excluded_item_ids": ["x"] * 1001}, "excluded_item_ids", "TOO_MANY"),
    ({"excluded_item_ids": ["x", ""]}, "excluded_item_ids[1]", "ID_EMPTY"),
    ({"consent": 9}, "consent", "UNKNOWN_CONSENT"),
    ({"replay_time": Timestamp(seconds=10**12)}, "replay_time", "TIME_OUT_OF_RANGE"),
    (
        {"experiment_overrides": [page_pb2.ExperimentBucket(experiment="none", bucket="a")]},
        "experiment_overrides[0].experiment",
        "UNKNOWN_EXPERIMENT",
    ),
    (
        {"experiment_overrides": [page_pb2.ExperimentBucket(experiment="quota", bucket="a")]},
        "experiment_overrides[0].bucket",
        "UNKNOWN_BUCKET",
    ),
    ({"page_token": "nonsense"}, "page_token", "MALFORMED_CURSOR"),
]


async def test_wrong_requests_name_field_reason_and_remedy(shop: Harness) -> None:
    for fields, field, reason in BAD_REQUESTS:
        error = await shop.error("GetHomepage", homepage.GetHomepageRequest(**({"visitor": NOBODY} | fields)))
        assert error.code.name == "INVALID_ARGUMENT", field
        assert [(v.field, v.reason) for v in error.violations] == [(field, reason)]
        assert error.reason == reason
    layouts = await shop.error("GetHomepage", homepage.GetHomepageRequest(visitor=NOBODY, layout="nowhere"))
    assert "feed, home" in layouts.violations[0].description


async def test_generous_requests_are_cut_to_the_bounds(shop: Harness) -> None:
    strange = Visitor(user_id="a/b;c,|d \N{CAT FACE}" + "é" * 100)
    page = await shop.page(visitor=strange, max_shelves=10_000, cards_per_shelf=10_000, locale="x" * 300, device=77)
    assert len(page.shelves[0].cards) == 60
    assert (await shop.page(layout="feed")).shelves[0].kind == page_pb2.SHELF_KIND_PICKED_FOR_YOU


async def test_debug_replay_and_overrides_need_permission(tmp_path: Path) -> None:
    async with harness(
        filled_shop(), tmp_path, debug_allowed=HomepageSettings().debug_allowed, experiments=(EXPERIMENT,)
    ) as shop:
        override = page_pb2.ExperimentBucket(experiment="quota", bucket="many")
        for fields, reason in (
            ({"debug": True}, "DEBUG_NOT_ALLOWED"),
            ({"replay_time": Timestamp(seconds=1)}, "REPLAY_NOT_ALLOWED"),
            ({"experiment_overrides": [override]}, "EXPERIMENT_OVERRIDES_NOT_ALLOWED"),
        ):
            error = await shop.error("GetHomepage", homepage.GetHomepageRequest(visitor=NOBODY, **fields))
            assert (error.code.name, error.reason) == ("PERMISSION_DENIED", reason)


async def test_a_replay_is_made_as_of_its_time(shop: Harness) -> None:
    for number in range(1, 401):
        shop.shop.items[number].available_from_time.seconds = 2_000_000_000
    assert not any(shelf.cards for shelf in (await shop.page()).shelves)
    page = await shop.page(replay_time=Timestamp(seconds=2_000_000_001), visitor=Visitor(user_id="later"))
    assert page.shelves[0].cards
    assert 2_000_000_001 in {request.query_time.seconds for request in shop.ranker.requests}


def limits(shop: Harness) -> list[int]:
    """How many candidates visitors' pages asked for, the static pages left out."""
    return [request.limit for request in shop.candidates.requests if request.user.visitor.anonymous_id]


async def test_experiments_change_parameters_and_are_named(shop: Harness) -> None:
    page = await shop.page()
    assert [(entry.experiment, entry.bucket) for entry in page.experiments] == [("quota", "few")]
    assert limits(shop)[-1] == 9
    override = page_pb2.ExperimentBucket(experiment="quota", bucket="many")
    page = await shop.page(experiment_overrides=[override])
    assert [entry.bucket for entry in page.experiments] == ["many"]
    assert limits(shop)[-1] == 500


async def test_similar_items(shop: Harness) -> None:
    shop.shop.items[51].group_id = shop.shop.items[50].group_id = "variants"
    shop.shop.items[52].hidden = True
    request = homepage.GetSimilarItemsRequest(item_id="item-50", visitor=NOBODY, limit=5, locale="de")
    shelf = (await shop.stub.GetSimilarItems(request, timeout=5)).shelf
    assert [card.item.item_id for card in shelf.cards] == [f"item-{number}" for number in range(53, 58)]
    assert shelf.title == "Ähnlich wie Item 50"
    assert shelf.reason.evidence_item_id == "item-50"
    further = await shop.stub.ListShelfItems(homepage.ListShelfItemsRequest(cursor=shelf.cursor), timeout=5)
    assert further.cards[0].item.item_id == "item-58"
    shop.candidates.behavior.dead = True
    shelf = (await shop.stub.GetSimilarItems(request, timeout=5)).shelf
    assert (shelf.status.state, shelf.status.reason) == (page_pb2.SHELF_STATE_DEGRADED, "CANDIDATES_UNAVAILABLE")
    shop.features.behavior.dead = True
    assert (await shop.error("GetSimilarItems", request)).code.name == "UNAVAILABLE"


async def test_wrong_requests_for_similar_items(shop: Harness) -> None:
    request = homepage.GetSimilarItemsRequest(item_id="unheard of", visitor=NOBODY)
    error = await shop.error("GetSimilarItems", request)
    assert (error.code.name, error.reason) == ("NOT_FOUND", "UNKNOWN_ITEM")
    error = await shop.error("GetSimilarItems", homepage.GetSimilarItemsRequest(limit=-1))
    assert [violation.field for violation in error.violations] == ["item_id", "visitor", "limit"]


async def test_events_go_through_to_the_log(shop: Harness) -> None:
    good = Event(event_id="e1", visitor=NOBODY, type=EVENT_TYPE_VIEW, item_id="item-1")
    bad = Event(event_id="e2", visitor=NOBODY, type=EVENT_TYPE_VIEW)
    response = await shop.stub.IngestEvents(homepage.IngestEventsRequest(events=[good, bad]), timeout=5)
    assert [result.status for result in response.results] == [
        event_service_pb2.EVENT_STATUS_STORED,
        event_service_pb2.EVENT_STATUS_REJECTED,
    ]
    assert response.results[1].field == "events[1].item_id"
    assert shop.events.events == [good]
    error = await shop.error("IngestEvents", homepage.IngestEventsRequest())
    assert (error.code.name, error.reason) == ("INVALID_ARGUMENT", "EMPTY_BATCH")
    assert error.violations[0].field == "events"
    shop.events.behavior.dead = True
    error = await shop.error("IngestEvents", homepage.IngestEventsRequest(events=[good]))
    assert error.code.name == "UNAVAILABLE"
