"""Pages over real gRPC, with the four services behind it faked."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.common.signing import Signer
from services.common.timestamps import to_millis
from services.common.tracking import open_tracking
from tests.support.homepage_shop.harness import NOW, Harness, harness
from tests.support.homepage_shop.shop import filled_shop
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.common.v1.visitor_pb2 import CONSENT_ESSENTIAL, CONSENT_PERSONAL, Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_PURCHASE, EVENT_TYPE_VIEW
from vitrine.features.v1.user_features_pb2 import Affinities, ItemCounters, RecentEvents, UserFeatures
from vitrine.homepage.v1 import page_pb2, reason_pb2

SHOPPER = Visitor(user_id="shopper")


def shopper() -> UserFeatures:
    """Bought item 300 seven times, looked at item 310; likes bread."""
    now = to_millis(NOW)
    return UserFeatures(
        recent=RecentEvents(
            item_nos=[310, 300],
            types=[EVENT_TYPE_VIEW, EVENT_TYPE_PURCHASE],
            event_times_millis=[now - 7_200_000, now - 3_600_000],
        ),
        counters=ItemCounters(
            item_nos=[300, 310],
            view_counts=[0, 1],
            favorite_counts=[0, 0],
            cart_counts=[0, 0],
            purchase_counts=[7, 0],
            first_purchase_millis=[now - 9, 0],
            last_purchase_millis=[now - 9, 0],
            last_event_millis=[now - 9, now - 9],
            decayed_purchases=[6, 0],
            decayed_interest=[0, 1],
        ),
        category_affinities=Affinities(nos=[1, 11, 110], weights=[9, 8, 7]),
    )


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Harness]:
    filled = filled_shop()
    filled.users["shopper"] = shopper()
    filled.proposals["buy_again"] = [300, 330, 331, 332, 333]
    filled.proposals["recently_viewed"] = [310, 340, 341, 342]
    async with harness(filled, tmp_path, signing_key="k" * 32) as running:
        yield running


def kinds(page: page_pb2.Page) -> set[str]:
    return {page_pb2.ShelfKind.Name(shelf.kind).removeprefix("SHELF_KIND_") for shelf in page.shelves}


def shelf_of(page: page_pb2.Page, kind: page_pb2.ShelfKind.ValueType) -> page_pb2.Shelf:
    return next(shelf for shelf in page.shelves if shelf.kind == kind)


def item_ids(page: page_pb2.Page) -> list[str]:
    return [card.item.item_id for shelf in page.shelves for card in shelf.cards]


async def test_a_visitor_nobody_has_seen_gets_six_kinds_of_shelves(shop: Harness) -> None:
    page = await shop.page()
    assert page.degradation_step == page_pb2.DEGRADATION_STEP_FULL
    assert not page.degradation_reasons
    assert kinds(page) >= {"PICKED_FOR_YOU", "POPULAR", "NEW_ARRIVALS", "ON_SALE", "CATEGORY_NAVIGATION", "CATEGORY"}
    assert page.shelves[0].kind == page_pb2.SHELF_KIND_PICKED_FOR_YOU
    assert page.versions.model_version == "model-1"
    assert page.versions.index_version == "7/n1//c1"
    assert len(page.versions.config_version) == 12
    assert all(card.reasons and card.reasons[0].text and card.tracking_token for s in page.shelves for card in s.cards)
    assert all(shelf.title and shelf.status.state == page_pb2.SHELF_STATE_OK for shelf in page.shelves)


async def test_a_shopper_gets_personal_shelves_with_their_evidence(shop: Harness) -> None:
    page = await shop.page(visitor=SHOPPER)
    assert kinds(page) >= {"BECAUSE_YOU", "BUY_AGAIN", "RECENTLY_VIEWED"}
    because = shelf_of(page, page_pb2.SHELF_KIND_BECAUSE_YOU)
    assert because.title == "Because you bought Item 300"
    assert because.reason.kind == reason_pb2.REASON_KIND_YOU_BOUGHT
    assert because.reason.evidence_item_id == "item-300"
    assert {card.reasons[0].evidence_item_id for card in because.cards} == {"item-300"}
    bought = [c for s in page.shelves for c in s.cards if c.item.item_id == "item-300"]
    assert bought[0].reasons[0].kind == reason_pb2.REASON_KIND_YOU_BUY_REGULARLY
    assert bought[0].reasons[0].text == "You've bought this 7 times"
    viewed = shelf_of(page, page_pb2.SHELF_KIND_RECENTLY_VIEWED)
    assert viewed.cards[0].reasons[0].kind == reason_pb2.REASON_KIND_YOU_VIEWED_THIS
    categories = {s.title: s.reason.kind for s in page.shelves if s.kind == page_pb2.SHELF_KIND_CATEGORY}
    assert categories["Top picks in BREAD"] == reason_pb2.REASON_KIND_YOUR_CATEGORY
    assert len(categories) == 2
    navigation = shelf_of(page, page_pb2.SHELF_KIND_CATEGORY_NAVIGATION)
    assert navigation.categories[0].path.names == ["FOOD", "BREAD"]
    assert navigation.categories[0].reason.kind == reason_pb2.REASON_KIND_YOUR_CATEGORY


async def test_a_card_says_first_what_its_whole_shelf_is_there_for(shop: Harness) -> None:
    page = await shop.page(visitor=SHOPPER)
    for kind, reason in (
        (page_pb2.SHELF_KIND_POPULAR, reason_pb2.REASON_KIND_POPULAR),
        (page_pb2.SHELF_KIND_NEW_ARRIVALS, reason_pb2.REASON_KIND_NEW),
    ):
        kinds_of_reasons = [[found.kind for found in card.reasons] for card in shelf_of(page, kind).cards]
        assert kinds_of_reasons
        assert all(found[0] == reason and len(found) == len(set(found)) for found in kinds_of_reasons)


async def test_the_feed_has_the_best_ranked_of_all(shop: Harness) -> None:
    page = await shop.page(visitor=SHOPPER, debug=True)
    feed = [shop.shop.number_of(card.item.item_id) for card in page.shelves[0].cards]
    candidates = [trace.item_no for trace in page.funnel.candidates]
    best = sorted(candidates, key=shop.ranker.value_of, reverse=True)
    assert len(set(feed[:10]) & set(best[:18])) == 10
    assert feed[0] == best[0]


async def test_texts_come_in_the_language_asked_for(shop: Harness) -> None:
    page = await shop.page(visitor=SHOPPER, locale="de-AT")
    assert page.shelves[0].title == "Für Sie ausgewählt"
    assert shelf_of(page, page_pb2.SHELF_KIND_BECAUSE_YOU).title == "Weil Sie Item 300 gekauft haben"
    assert (await shop.page(locale="tlh")).shelves[0].title == "Picked for you"


async def test_tokens_say_where_each_card_stood(shop: Harness) -> None:
    page = await shop.page()
    signer = Signer(b"k" * 32)
    for shelf in page.shelves:
        for position, card in enumerate(shelf.cards):
            payload = open_tracking(signer, card.tracking_token)
            assert (payload.page_id, payload.shelf_id, payload.position, payload.item_id) == (
                page.page_id,
                shelf.shelf_id,
                position,
                card.item.item_id,
            )
            assert card.position == position
            assert payload.serve_time_millis == to_millis(NOW)


async def test_an_item_that_is_gone_at_the_last_moment_is_replaced(shop: Harness) -> None:
    before = await shop.page()
    shop.features.gone = {shop.shop.number_of(item_id) for item_id in item_ids(before)[:5]}
    shop.shop.items[shop.shop.number_of(item_ids(before)[6])].hidden = True
    page = await shop.page(debug=True)
    assert not set(item_ids(before)[:5]) & set(item_ids(page))
    assert len(page.shelves[0].cards) == len(before.shelves[0].cards)
    removed = {t.removed_reason for t in page.funnel.candidates if t.removed_by == "CardLoader"}
    assert removed == {"NOT_IN_CATALOG"}
    assert "HIDDEN" in {t.removed_reason for t in page.funnel.candidates if t.removed_by == "HiddenItemFilter"}


async def test_the_request_shapes_the_page(shop: Harness) -> None:
    page = await shop.page(
        supported_shelf_kinds=[page_pb2.SHELF_KIND_PICKED_FOR_YOU, page_pb2.SHELF_KIND_POPULAR], cards_per_shelf=5
    )
    assert kinds(page) == {"PICKED_FOR_YOU", "POPULAR"}
    assert {len(shelf.cards) for shelf in page.shelves} == {5}
    wanted = ItemFilter(minimum_price=10, maximum_price=20, categories=[CategoryPath(names=["FOOD"])])
    filtered = await shop.page(filter=wanted, excluded_item_ids=["item-9", "never heard of"])
    prices = [card.item.price for shelf in filtered.shelves for card in shelf.cards]
    assert prices
    assert all(10 <= price <= 20 for price in prices)
    assert {card.item.category_path.names[0] for shelf in filtered.shelves for card in shelf.cards} == {"FOOD"}
    assert "item-9" not in item_ids(filtered)


async def test_a_filter_that_leaves_nothing_is_no_error(shop: Harness) -> None:
    page = await shop.page(filter=ItemFilter(brands=["nobody's"]))
    assert item_ids(page) == []
    assert not page.shop_empty
    assert page.degradation_step == page_pb2.DEGRADATION_STEP_FULL


async def test_without_consent_the_page_is_unpersonal_and_nothing_is_logged(shop: Harness) -> None:
    page = await shop.page(visitor=SHOPPER, consent=CONSENT_ESSENTIAL)
    assert page.degradation_step == page_pb2.DEGRADATION_STEP_FULL
    assert not kinds(page) & {"BECAUSE_YOU", "BUY_AGAIN", "RECENTLY_VIEWED"}
    assert "GetUserFeatures" not in shop.features.behavior.calls
    shop.shop.users["shopper"].consent = CONSENT_ESSENTIAL
    stored = await shop.page(visitor=SHOPPER, consent=CONSENT_PERSONAL)
    assert not kinds(stored) & {"BECAUSE_YOU", "BUY_AGAIN", "RECENTLY_VIEWED"}


async def test_age_limits_hold_and_an_unknown_age_is_no_age(shop: Harness) -> None:
    for number in range(1, 100):
        shop.shop.items[number].minimum_age = 18
    limited = {f"item-{number}" for number in range(1, 100)}
    assert not limited & set(item_ids(await shop.page(visitor=SHOPPER)))
    shop.shop.users["shopper"].attributes["age_band"].text = "25-34"
    assert limited & set(item_ids(await shop.page(visitor=SHOPPER)))


async def test_the_funnel_tells_of_every_candidate_and_unit(shop: Harness) -> None:
    shop.shop.items[1].stock = 0
    shop.shop.users["shopper"].disliked_item_nos.append(5)
    page = await shop.page(visitor=SHOPPER, debug=True)
    traces = {trace.item_no: trace for trace in page.funnel.candidates}
    assert (traces[1].removed_by, traces[1].removed_reason) == ("OutOfStockFilter", "OUT_OF_STOCK")
    placed = [trace for trace in traces.values() if trace.shelf_id]
    assert len(placed) == len(item_ids(page))
    assert all(trace.source_scores and trace.action_probabilities["PURCHASE"] > 0 for trace in placed)
    units = {unit.unit: unit for unit in page.funnel.units}
    assert units["RetrievedCandidatesSource"].outcome == "ok"
    assert units["ExcludedItemsQueryHydrator"].outcome == "not_enabled"
    assert {
        "UserFeaturesQueryHydrator",
        "ItemStatesHydrator",
        "RankerScorer",
        "HiddenItemFilter",
        "PopularSelector",
    } <= units.keys()
    assert page.funnel.dropped_shelves or len(page.shelves) == 11


async def test_pages_are_logged_unless_asked_not_to(shop: Harness) -> None:
    logged = await shop.page(visitor=SHOPPER)
    await shop.page(visitor=SHOPPER, unlogged=True)
    await shop.page(visitor=SHOPPER, consent=CONSENT_ESSENTIAL)
    for _ in range(100):
        if shop.events.pages:
            break
        await shop.page(visitor=SHOPPER, unlogged=True)
    assert [record.page_id for record in shop.events.pages] == [logged.page_id]
    assert shop.events.pages[0].visitor.user_id == "shopper"
    assert shop.events.pages[0].degradation_step == "FULL"
    assert shop.events.pages[0].shelves[0].item_ids == [card.item.item_id for card in logged.shelves[0].cards]


async def test_an_empty_shop_says_so(tmp_path: Path) -> None:
    empty = filled_shop(0)
    async with harness(empty, tmp_path) as shop:
        page = await shop.page()
        assert page.shop_empty
        assert not page.shelves
        assert page.degradation_step == page_pb2.DEGRADATION_STEP_FULL
