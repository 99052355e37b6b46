"""Every step of the ladder: what is dead, slow or late lowers the page, and the page always comes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.homepage_shop.harness import Harness, harness, wire_harness
from tests.support.homepage_shop.shop import filled_shop
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.homepage.v1 import page_pb2

Break = Callable[[Harness], None]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Harness]:
    async with harness(filled_shop(), tmp_path) as running:
        await running.static_pages_kept(tmp_path)
        yield running


def dead(name: str) -> Break:
    def kill(shop: Harness) -> None:
        getattr(shop, name).behavior.dead = True

    return kill


def slow(name: str) -> Break:
    def delay(shop: Harness) -> None:
        getattr(shop, name).behavior.delay = 30

    return delay


def model_gone(shop: Harness) -> None:
    shop.ranker.linear = True


def user_features_dead(shop: Harness) -> None:
    shop.features.behavior.dead_methods.add("GetUserFeatures")


def cards_dead(shop: Harness) -> None:
    shop.features.behavior.dead_methods.add("LookupItems")


@pytest.mark.parametrize(
    ("happens", "step", "reason"),
    [
        (model_gone, page_pb2.DEGRADATION_STEP_LINEAR, "MODEL_SERVER_UNAVAILABLE"),
        (dead("ranker"), page_pb2.DEGRADATION_STEP_SOURCE_ORDER, "RANKER_UNAVAILABLE"),
        (slow("ranker"), page_pb2.DEGRADATION_STEP_SOURCE_ORDER, "RANKER_LATE"),
        (user_features_dead, page_pb2.DEGRADATION_STEP_UNPERSONAL, "FEATURES_UNAVAILABLE"),
        (dead("candidates"), page_pb2.DEGRADATION_STEP_POPULAR, "CANDIDATES_UNAVAILABLE"),
        (slow("candidates"), page_pb2.DEGRADATION_STEP_POPULAR, "CANDIDATES_LATE"),
        (cards_dead, page_pb2.DEGRADATION_STEP_STATIC, "FEATURES_UNAVAILABLE"),
        (dead("features"), page_pb2.DEGRADATION_STEP_STATIC, "FEATURES_UNAVAILABLE"),
        (slow("features"), page_pb2.DEGRADATION_STEP_STATIC, "FEATURES_LATE"),
        (dead("events"), page_pb2.DEGRADATION_STEP_FULL, ""),
        (slow("events"), page_pb2.DEGRADATION_STEP_FULL, ""),
    ],
    ids=lambda value: getattr(value, "__qualname__", str(value)),
)
async def test_each_loss_has_its_step(shop: Harness, happens: Break, step: int, reason: str) -> None:
    happens(shop)
    start = time.perf_counter()
    page = await shop.page(visitor=Visitor(user_id="someone"), timeout=1.0)
    assert time.perf_counter() - start < 1.0
    assert page.degradation_step == step
    assert page.degradation_reasons[:1] == ([reason] if reason else [])
    assert page.shelves[0].kind == page_pb2.SHELF_KIND_PICKED_FOR_YOU
    assert len(page.shelves[0].cards) == 12
    state = page_pb2.SHELF_STATE_DEGRADED if reason else page_pb2.SHELF_STATE_OK
    assert {shelf.status.state for shelf in page.shelves} == {state}
    assert {shelf.status.reason for shelf in page.shelves} == {reason}


async def test_without_the_ranker_the_sources_order_stands(shop: Harness) -> None:
    shop.ranker.behavior.dead = True
    page = await shop.page()
    feed = [shop.shop.number_of(card.item.item_id) for card in page.shelves[0].cards]
    assert sorted(feed) == list(range(1, 13))


async def test_the_popular_page_still_fills_shelves_and_applies_the_filter(shop: Harness) -> None:
    shop.candidates.behavior.dead = True
    page = await shop.page()
    assert {shelf.kind for shelf in page.shelves} >= {
        page_pb2.SHELF_KIND_PICKED_FOR_YOU,
        page_pb2.SHELF_KIND_POPULAR,
        page_pb2.SHELF_KIND_ON_SALE,
        page_pb2.SHELF_KIND_CATEGORY,
    }
    filtered = await shop.page(filter=ItemFilter(brands=["Private"]))
    cards = [card for shelf in filtered.shelves for card in shelf.cards]
    assert {card.item.brand for card in cards} == {"Private"}
    assert len(cards) > 20


async def test_a_dead_dependency_does_not_cost_its_timeout_every_time(shop: Harness) -> None:
    shop.ranker.behavior.delay = 30
    for _ in range(3):
        await shop.page()
    pages = [await shop.page(debug=True) for _ in range(5)]
    scorers = [next(unit for unit in page.funnel.units if unit.unit == "RankerScorer") for page in pages]
    # One page may be the one that tries whether the ranker is back.
    assert [scorer.reason for scorer in scorers].count("CIRCUIT_OPEN") >= 4
    assert min(scorer.duration.ToSeconds() + scorer.duration.nanos / 1e9 for scorer in scorers) < 0.05
    assert {page.degradation_step for page in pages} == {page_pb2.DEGRADATION_STEP_SOURCE_ORDER}


async def test_a_dependency_that_comes_back_is_used_again(shop: Harness) -> None:
    shop.ranker.behavior.dead = True
    for _ in range(4):
        await shop.page()
    shop.ranker.behavior.dead = False
    async with asyncio.timeout(30):
        while (await shop.page()).degradation_step != page_pb2.DEGRADATION_STEP_FULL:  # noqa: ASYNC110  # it says so itself
            await asyncio.sleep(0.05)


async def test_the_static_page_obeys_the_request(shop: Harness) -> None:
    full = await shop.page()
    shop.features.behavior.dead = True
    first = full.shelves[0].cards[0].item.item_id
    page = await shop.page(
        locale="de", excluded_item_ids=[first], cards_per_shelf=3, max_shelves=2, filter=ItemFilter(brands=["Private"])
    )
    assert page.degradation_step == page_pb2.DEGRADATION_STEP_STATIC
    assert len(page.shelves) <= 2
    assert page.shelves[0].title == "Für Sie ausgewählt"
    cards = [card for shelf in page.shelves for card in shelf.cards]
    assert {card.item.brand for card in cards} == {"Private"}
    assert first not in {card.item.item_id for card in cards}
    assert all(len(shelf.cards) <= 3 and not shelf.cursor for shelf in page.shelves)
    assert all(card.tracking_token for card in cards)
    assert page.page_id != full.page_id


async def test_the_static_page_survives_a_restart(tmp_path: Path) -> None:
    shop = filled_shop()
    async with harness(shop, tmp_path) as first:
        await first.static_pages_kept(tmp_path)
    async with harness(shop, tmp_path) as second:
        for name in ("features", "candidates", "ranker", "events"):
            getattr(second, name).behavior.dead = True
        page = await second.page()
        assert page.degradation_step == page_pb2.DEGRADATION_STEP_STATIC
        assert len(page.shelves[0].cards) == 12


async def test_an_outage_that_outlasts_the_static_page_leaves_an_empty_one(shop: Harness) -> None:
    shop.features.behavior.dead = True
    shop.clock.advance(timedelta(minutes=29))
    assert (await shop.page()).degradation_step == page_pb2.DEGRADATION_STEP_STATIC
    shop.clock.advance(timedelta(minutes=2))
    page = await shop.page()
    assert page.degradation_step == page_pb2.DEGRADATION_STEP_EMPTY
    assert page.degradation_reasons[-1] == "NO_STATIC_PAGE"
    assert not page.shelves


async def test_with_nothing_at_all_the_page_is_empty_and_says_why(tmp_path: Path) -> None:
    addresses = {f"{name}_address": "127.0.0.1:1" for name in ("features", "candidates", "ranker", "events")}
    (tmp_path / "homepage").mkdir()
    (tmp_path / "homepage" / "static-home.binpb").write_bytes(b"\xff not a page")
    async with wire_harness(filled_shop(), tmp_path, **addresses) as shop:
        page = await shop.page(timeout=1.0)
        assert page.degradation_step == page_pb2.DEGRADATION_STEP_EMPTY
        assert page.page_id
        assert "FEATURES_UNAVAILABLE" in page.degradation_reasons
        assert page.degradation_reasons[-1] == "NO_STATIC_PAGE"
        assert not page.shelves
