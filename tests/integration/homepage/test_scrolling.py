"""Endless scroll and further shelves: what is pinned comes once, in order, as it is now."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.common.signing import Signer
from services.common.tracking import open_tracking
from tests.support.homepage_shop.harness import NOBODY, Harness, harness
from tests.support.homepage_shop.shop import filled_shop
from vitrine.homepage.v1 import homepage_service_pb2 as homepage
from vitrine.homepage.v1 import page_pb2


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Harness]:
    async with harness(filled_shop(), tmp_path, signing_key="k" * 32) as running:
        yield running


async def scroll(shop: Harness, cursor: str, page_size: int = 25) -> list[page_pb2.Card]:
    """Scrolls to the end."""
    cards: list[page_pb2.Card] = []
    while cursor:
        request = homepage.ListShelfItemsRequest(cursor=cursor, page_size=page_size)
        response = await shop.stub.ListShelfItems(request, timeout=5)
        assert response.cards or not response.next_cursor
        assert len(response.cards) <= page_size
        cards.extend(response.cards)
        cursor = response.next_cursor
    return cards


async def test_scrolling_every_shelf_to_its_end_shows_no_item_twice(shop: Harness) -> None:
    page = await shop.page()
    shown = [card for shelf in page.shelves for card in shelf.cards]
    for shelf in page.shelves:
        further = await scroll(shop, shelf.cursor)
        positions = [card.position for card in (*shelf.cards, *further)]
        assert positions == list(range(len(positions)))
        assert all(card.reasons[0].text and card.tracking_token for card in further)
        shown.extend(further)
    ids = [card.item.item_id for card in shown]
    assert len(ids) == len(set(ids))
    assert len(ids) == 320  # 260 candidates and 60 rising items: all there are


async def test_a_cursor_survives_a_swap_of_model_and_index(shop: Harness) -> None:
    page = await shop.page()
    cursor = page.shelves[0].cursor
    before = [card.item.item_id for card in await scroll(shop, cursor)]
    shop.candidates.behavior.dead = shop.ranker.behavior.dead = True
    shop.shop.proposals = {"popular": [5, 4, 3]}
    assert [card.item.item_id for card in await scroll(shop, cursor, 7)] == before
    payload = open_tracking(Signer(b"k" * 32), (await scroll(shop, cursor))[0].tracking_token)
    assert (payload.page_id, payload.shelf_id, payload.model_version) == (page.page_id, "picked_for_you", "model-1")
    assert payload.position == 12


async def test_what_may_no_longer_be_shown_is_left_out_and_the_stretch_is_full(shop: Harness) -> None:
    cursor = (await shop.page()).shelves[0].cursor
    before = [shop.shop.number_of(card.item.item_id) for card in await scroll(shop, cursor)]
    for number in before[:5]:
        shop.shop.items[number].hidden = True
    shop.features.gone = set(before[5:8])
    response = await shop.stub.ListShelfItems(homepage.ListShelfItemsRequest(cursor=cursor), timeout=5)
    assert [shop.shop.number_of(card.item.item_id) for card in response.cards] == before[8:28]


async def test_the_shelves_that_did_not_fit_come_with_the_page_token(shop: Harness) -> None:
    whole = await shop.page()
    page = await shop.page(max_shelves=3)
    shelves = list(page.shelves)
    page_id = page.page_id
    while page.next_page_token:
        page = await shop.page(page_token=page.next_page_token)
        assert 1 <= len(page.shelves) <= 3
        assert page.page_id == page_id
        assert page.degradation_step == page_pb2.DEGRADATION_STEP_FULL
        shelves.extend(page.shelves)
    assert [shelf.shelf_id for shelf in shelves] == [shelf.shelf_id for shelf in whole.shelves]
    assert [shelf.title for shelf in shelves] == [shelf.title for shelf in whole.shelves]
    assert [[c.item.item_id for c in s.cards] for s in shelves] == [
        [c.item.item_id for c in s.cards] for s in whole.shelves
    ]
    navigation = next(shelf for shelf in shelves if shelf.categories)
    assert all(link.tracking_token and link.reason.text for link in navigation.categories)


async def test_while_items_cannot_be_looked_up_a_cursor_can_be_sent_again(shop: Harness) -> None:
    page = await shop.page(max_shelves=3)
    cursor = page.shelves[0].cursor
    shop.features.behavior.dead = True
    error = await shop.error("ListShelfItems", homepage.ListShelfItemsRequest(cursor=cursor))
    assert (error.code.name, error.reason) == ("UNAVAILABLE", "FEATURES_UNAVAILABLE")
    further = await shop.page(page_token=page.next_page_token)
    assert further.degradation_step == page_pb2.DEGRADATION_STEP_EMPTY
    assert further.next_page_token == page.next_page_token


async def test_cursors_that_were_not_made_here_are_refused(shop: Harness) -> None:
    page = await shop.page(max_shelves=3)
    cursor = page.shelves[0].cursor
    forged = cursor[:-4] + ("AAAA" if cursor[-4:] != "AAAA" else "BBBB")
    for bad in (
        "x",
        "\u00e4",
        "\ud7ff",
        forged,
        page.next_page_token,
        cursor + "=",
        Signer(b"z" * 32).seal(b"", "cursor"),
    ):
        error = await shop.error("ListShelfItems", homepage.ListShelfItemsRequest(cursor=bad))
        assert (error.code.name, error.reason) == ("INVALID_ARGUMENT", "MALFORMED_CURSOR")
        assert error.violations[0].field == "cursor"
        assert "GetHomepage" in error.violations[0].description
    request = homepage.GetHomepageRequest(visitor=NOBODY, page_token=cursor)
    error = await shop.error("GetHomepage", request)
    assert (error.reason, error.violations[0].field) == ("MALFORMED_CURSOR", "page_token")


@pytest.mark.parametrize(("page_size", "count"), [(0, 20), (1, 1), (60, 60), (10_000, 60)])
async def test_page_sizes(shop: Harness, page_size: int, count: int) -> None:
    cursor = (await shop.page()).shelves[0].cursor
    request = homepage.ListShelfItemsRequest(cursor=cursor, page_size=page_size)
    assert len((await shop.stub.ListShelfItems(request, timeout=5)).cards) == count


async def test_wrong_page_sizes_and_a_missing_cursor(shop: Harness) -> None:
    error = await shop.error("ListShelfItems", homepage.ListShelfItemsRequest(page_size=-1))
    assert [violation.field for violation in error.violations] == ["cursor", "page_size"]
