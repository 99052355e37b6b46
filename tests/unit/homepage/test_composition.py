"""Whatever the candidates are: no item and no group twice, on the page or in what its shelves go on with."""

import asyncio
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import UnavailableError
from services.homepage.app import LAYOUTS, selectors
from services.homepage.cards.admission import Admission
from services.homepage.cards.card_loader import CardLoader
from services.homepage.filters.duplicate_group_filter import DuplicateGroupFilter
from services.homepage.layouts.layout import Layout, ShelfDefinition
from services.homepage.pages.planner import plan
from services.homepage.pipeline.budget import Budget
from services.homepage.pipeline.candidates import Candidates
from services.homepage.pipeline.composer import Composer
from services.homepage.pipeline.run import Run
from services.homepage.pipeline.unit_runner import UnitRunner
from tests.support.homepage_shop.shop import make_item
from tests.unit.homepage.columns import candidates, query
from vitrine.features.v1.catalog_service_pb2 import CatalogItem
from vitrine.homepage.v1 import page_pb2

RUNNER = UnitRunner(lambda trace: None)


class FakeItems:
    """Knows every item but the `gone` ones; item n is of group `groups[n]`."""

    def __init__(self, groups: dict[int, str], gone: set[int]) -> None:
        self.groups = groups
        self.gone = gone
        self.calls = 0

    async def items(self, item_nos: list[int], seconds: float, **_: object) -> list[CatalogItem]:
        self.calls += 1
        return [
            CatalogItem(item_no=number, item=make_item(number, group_id=self.groups.get(number, "")))
            for number in item_nos
            if number not in self.gone
        ]


def run_of(found: Candidates, **fields: object) -> Run:
    run = Run(query(**fields), Budget(1, 0, time.perf_counter))
    run.candidates = found
    for removal in DuplicateGroupFilter().filter(run.query, found):
        found.remove(removal.mask, "DuplicateGroupFilter", removal.reason)
    run.composition = Composer(selectors(), LAYOUTS, RUNNER).compose(run)
    return run


@st.composite
def shops(draw: st.DrawFn) -> tuple[Candidates, dict[int, str], set[int]]:
    count = draw(st.integers(0, 120))
    seed = np.random.default_rng(draw(st.integers(0, 2**32)))
    item_nos = seed.permutation(np.arange(1, 201))[:count].tolist()
    names = ("popular", "new_arrivals", "on_sale", "buy_again", "recently_viewed", "item_cf", "trending")
    groups = seed.integers(1, draw(st.integers(1, 200)) + 1, count) if count else np.empty(0, int)
    found = candidates(
        item_nos,
        values=seed.random(count).tolist(),
        sources={name: seed.permutation(item_nos)[: seed.integers(0, count + 1)].tolist() for name in names},
        group_nos=groups.tolist(),
        category_nos=seed.choice([100, 101, 110, 111, 120, 121, 130, 0], count).tolist(),
        flags=seed.choice([13, 29], count).tolist(),
    )
    by_item = {number: f"g{group}" for number, group in zip(item_nos, groups.tolist(), strict=True)}
    gone = set(seed.choice(item_nos, count // 5).tolist()) if count else set()
    return found, by_item, gone


@given(shops(), st.sampled_from([0, 1, 3, 60]))
def test_no_item_and_no_group_twice(shop: tuple[Candidates, dict[int, str], set[int]], cards: int) -> None:
    found, groups, gone = shop
    planned = plan(run_of(found, cards_per_shelf=cards), "config")
    every = [number for shelf in planned.shelves for number in shelf.item_nos]
    assert len(every) == len(set(every))
    assert len({groups[number] for number in every}) == len(every)
    items = FakeItems(groups, gone)
    filled, _ = asyncio.run(CardLoader(items).fill(planned.shelves, Admission(0), 1))  # type: ignore[arg-type]
    shown = [shelf.planned.item_nos[row] for shelf in filled for row in shelf.rows]
    rest = [number for shelf in filled for number in shelf.rest.item_nos]
    assert len({groups[number] for number in (*shown, *rest)}) == len(shown) + len(rest)
    assert not set(shown) & gone
    for shelf in filled:
        # A shelf is short only where it has nothing left.
        assert len(shelf.rows) == shelf.planned.card_limit or not shelf.rest.item_nos


def test_the_feed_goes_on_with_all_that_no_other_shelf_claims() -> None:
    found = candidates(list(range(1, 101)), sources={"popular": list(range(1, 31))}, category_nos=[0] * 100)
    planned = plan(run_of(found), "config")
    assert sum(len(shelf.item_nos) for shelf in planned.shelves) == 100
    popular = next(shelf for shelf in planned.shelves if shelf.shelf_id == "popular")
    assert sorted(popular.item_nos) == list(range(13, 31))  # what the feed left of thirty: twelve cards, six to go on
    assert planned.shelves[0].shelf_id == "picked_for_you"


def test_shelves_stand_by_expected_value_and_fixed_ones_in_their_place() -> None:
    values = [100 - place for place in range(12)] + [1.0] * 8 + [5.0] * 8
    found = candidates(
        list(range(1, 29)),
        values=values,
        sources={"popular": list(range(13, 21)), "new_arrivals": list(range(21, 29))},
        category_nos=[0] * 28,
    )
    planned = plan(run_of(found), "config")
    ids = [shelf.shelf_id for shelf in planned.shelves]
    assert ids == ["picked_for_you", "new_arrivals", "category_navigation", "popular"]


def test_a_shelf_with_too_few_cards_is_dropped_and_frees_them() -> None:
    found = candidates(list(range(1, 17)), values=list(range(16, 0, -1)), category_nos=[0] * 16)
    found.sources.update(candidates([13, 14, 15], sources={"new_arrivals": [13, 14, 15]}).sources)
    run = run_of(found)
    assert page_pb2.SHELF_KIND_NEW_ARRIVALS in {shelf.kind for shelf in run.composition.dropped}
    feed = run.composition.shelves[0]
    assert len(feed.cards) + len(feed.spare) == 16


def test_a_layout_that_names_no_selector_fails_when_it_is_built() -> None:
    layout = Layout("bad", (ShelfDefinition(page_pb2.SHELF_KIND_POPULAR, "NobodysSelector"),))
    with pytest.raises(ValueError, match="layout bad: unknown selector NobodysSelector"):
        Composer(selectors(), [layout], RUNNER)


async def test_one_lookup_serves_a_page_where_few_items_are_gone() -> None:
    found = candidates(list(range(1, 101)), sources={"popular": list(range(1, 81))})
    planned = plan(run_of(found), "config")
    items = FakeItems({}, {1, 2, 3})
    filled, loaded = await CardLoader(items).fill(planned.shelves, Admission(0), 1)  # type: ignore[arg-type]
    assert items.calls == 1
    assert len(filled[0].rows) == 12
    assert {number: loaded.refusals[number] for number in (1, 2, 3)} == dict.fromkeys((1, 2, 3), "NOT_IN_CATALOG")


async def test_cards_that_cannot_be_looked_up_are_an_error() -> None:
    class DeadItems(FakeItems):
        async def items(self, item_nos: list[int], seconds: float, **_: object) -> list[CatalogItem]:
            raise UnavailableError("gone")

    planned = plan(run_of(candidates([1, 2, 3])), "config")
    with pytest.raises(UnavailableError):
        await CardLoader(DeadItems({}, set())).fill(planned.shelves, Admission(0), 1)  # type: ignore[arg-type]
