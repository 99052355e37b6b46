from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.homepage.history import anchors
from services.homepage.layouts.home import HOME
from services.homepage.layouts.layout import Layout, ShelfDefinition, SourceShelf
from services.homepage.pipeline.candidates import Candidates
from services.homepage.pipeline.stages import Draft, Selector
from services.homepage.query import Query
from services.homepage.selectors.because_you_selector import BecauseYouSelector
from services.homepage.selectors.category_navigation_selector import CategoryNavigationSelector
from services.homepage.selectors.category_selector import CategorySelector
from services.homepage.selectors.picked_for_you_selector import PickedForYouSelector, spread_categories
from services.homepage.selectors.source_selector import source_selectors
from tests.unit.homepage.columns import NOW, candidates, query
from vitrine.events.v1.event_pb2 import EVENT_TYPE_ADD_TO_CART, EVENT_TYPE_IMPRESSION, EVENT_TYPE_VIEW
from vitrine.features.v1.user_features_pb2 import Affinities, RecentEvents, UserFeatures
from vitrine.homepage.v1 import page_pb2, reason_pb2

DAY = 86_400_000
DEFINITION = ShelfDefinition(page_pb2.SHELF_KIND_POPULAR, "-", minimum_cards=2, count=2)

SHELVES = {selector.name: selector for selector in source_selectors([HOME])}


def select(selector: Selector, asked: Query, found: Candidates, without: tuple[int, ...] = ()) -> list[Draft]:
    if not selector.enable(asked):
        return []
    available = found.kept & ~np.isin(found.item_nos, without)
    return list(selector.select(asked, found, available, DEFINITION))


def numbers(found: Candidates, draft: Draft) -> list[int]:
    return [int(number) for number in found.item_nos[draft.ranked]]


def recent(*events: tuple[int, int, float]) -> UserFeatures:
    """Events as (item, type, days ago)."""
    return UserFeatures(
        known=True,
        recent=RecentEvents(
            item_nos=[event[0] for event in events],
            types=[event[1] for event in events],  # type: ignore[misc]  # an enum's number
            event_times_millis=[NOW - int(event[2] * DAY) for event in events],
        ),
    )


@pytest.mark.parametrize(
    ("selector", "source", "kind"),
    [
        (SHELVES["BuyAgainSelector"], "buy_again", reason_pb2.REASON_KIND_YOU_BUY_REGULARLY),
        (SHELVES["PopularSelector"], "popular", reason_pb2.REASON_KIND_POPULAR),
        (SHELVES["NewArrivalsSelector"], "new_arrivals", reason_pb2.REASON_KIND_NEW),
        (SHELVES["TrendingSelector"], "trending", reason_pb2.REASON_KIND_TRENDING),
    ],
)
def test_a_sources_shelf_has_its_proposals_by_value(selector: Selector, source: str, kind: int) -> None:
    found = candidates([1, 2, 3, 4], values=[1, 4, 2, 3], sources={source: [1, 2, 3], "other": [4]})
    [draft] = select(selector, query(), found, without=(2,))
    assert numbers(found, draft) == [3, 1]
    assert draft.reason_kind == kind


def test_recently_viewed_keeps_the_order_of_the_views() -> None:
    found = candidates([1, 2, 3], values=[1, 2, 3], sources={"recently_viewed": [2, 1]})
    [draft] = select(SHELVES["RecentlyViewedSelector"], query(), found)
    assert numbers(found, draft) == [2, 1]


def test_on_sale_is_what_is_reduced_whoever_proposed_it() -> None:
    found = candidates([1, 2, 3], values=[1, 2, 3], flags=[29, 13, 29], sources={"on_sale": [2]})
    [draft] = select(SHELVES["OnSaleSelector"], query(), found)
    assert numbers(found, draft) == [3, 1]


def test_because_you_takes_the_last_strong_action_with_enough_evidence() -> None:
    found = candidates(
        [1, 2, 3, 4, 50],
        values=[1, 2, 3, 4, 5],
        sources={"item_cf": [1, 2, 50], "content": [3]},
        evidence={"item_cf": [50, 50, 50], "content": [60]},
    )
    user = recent((70, EVENT_TYPE_IMPRESSION, 0), (50, EVENT_TYPE_ADD_TO_CART, 1), (60, EVENT_TYPE_VIEW, 0))
    [draft] = select(BecauseYouSelector(), query(user=user), found)
    assert draft.evidence_item_no == 50
    assert numbers(found, draft) == [2, 1]  # never the item itself
    assert select(BecauseYouSelector(), query(user=user), found, without=(1,)) == []


def test_anchors_weigh_strength_against_age() -> None:
    user = recent((1, EVENT_TYPE_VIEW, 0), (2, EVENT_TYPE_ADD_TO_CART, 3), (3, EVENT_TYPE_ADD_TO_CART, 9), (0, 1, 0))
    assert anchors(user, NOW) == [2, 1, 3]
    assert anchors(UserFeatures(), NOW) == []


def test_category_shelves_follow_the_visitors_affinities() -> None:
    found = candidates(
        [1, 2, 3, 4, 5, 6],
        values=[1, 2, 3, 4, 5, 6],
        category_nos=[100, 101, 110, 111, 120, 0],
        sources={"popular": [1, 2, 3, 4, 5, 6]},
    )
    user = UserFeatures(category_affinities=Affinities(nos=[1, 12, 11], weights=[9, 8, 7]))
    drafts = select(CategorySelector(), query(user=user), found)
    assert [list(draft.category_path.names) for draft in drafts if draft.category_path] == [
        ["FOOD", "BREAD"],  # 12, LAMPS, has too few
        ["FOOD", "CHEESE"],
    ]
    assert [draft.reason_kind for draft in drafts] == [
        reason_pb2.REASON_KIND_YOUR_CATEGORY,
        reason_pb2.REASON_KIND_POPULAR_IN_CATEGORY,
    ]
    assert numbers(found, drafts[0]) == [4, 3]


def test_the_navigation_is_in_the_visitors_order_then_by_size() -> None:
    user = UserFeatures(category_affinities=Affinities(nos=[2, 13, 1, 130], weights=[9, 8, 7, 6]))
    [draft] = select(CategoryNavigationSelector(), query(user=user), candidates([1]))
    assert [link.path.names[-1] for link in draft.categories] == ["TOWELS", "CHEESE", "BREAD", "LAMPS"]
    assert draft.categories[0].reason.kind == reason_pb2.REASON_KIND_YOUR_CATEGORY
    assert draft.categories[1].reason.kind == reason_pb2.REASON_KIND_POPULAR_IN_CATEGORY
    assert all(link.item_count == 6 for link in draft.categories)


def test_the_navigation_of_the_unknown_follows_what_is_popular() -> None:
    found = candidates([1, 2, 3], category_nos=[120, 121, 110], sources={"popular": [1, 2], "content": [3]})
    [draft] = select(CategoryNavigationSelector(), query(), found)
    assert draft.categories[0].path.names[-1] == "LAMPS"


def test_the_feed_is_the_ranking_of_all_that_is_left() -> None:
    found = candidates([1, 2, 3], values=[1, 3, 2], category_nos=[100, 110, 120])
    [draft] = select(PickedForYouSelector(), query(), found, without=(3,))
    assert numbers(found, draft) == [2, 1]


@pytest.mark.parametrize(
    "selector", [BecauseYouSelector(), SHELVES["BuyAgainSelector"], SHELVES["RecentlyViewedSelector"]]
)
def test_personal_shelves_need_consent(selector: Selector) -> None:
    user = recent((1, EVENT_TYPE_VIEW, 0))
    assert selector.enable(query(user=user))
    user.consent = 2  # type: ignore[assignment]  # CONSENT_ESSENTIAL
    assert not selector.enable(query(user=user))


def test_one_selector_name_has_one_configuration() -> None:
    other = ShelfDefinition(
        page_pb2.SHELF_KIND_POPULAR, "PopularSelector", SourceShelf("popular", reason_pb2.REASON_KIND_NEW)
    )
    assert len(source_selectors([HOME, HOME])) == len(SHELVES) == 6
    with pytest.raises(ValueError, match="layout other: PopularSelector is configured differently"):
        source_selectors([HOME, Layout("other", (other,))])


settings: dict[str, Any] = {"run": 2, "window": 5, "lookahead": 8}


@given(st.lists(st.integers(0, 4), max_size=40))
def test_spreading_moves_nothing_far_and_loses_nothing(categories: list[int]) -> None:
    order = spread_categories(categories, **settings)
    assert sorted(order) == list(range(len(categories)))
    assert all(original - place <= 8 for place, original in enumerate(order))


@given(st.lists(st.integers(1, 9), max_size=40))
def test_a_category_stands_too_often_only_where_no_other_is_near(categories: list[int]) -> None:
    order = spread_categories(categories, **settings)
    for place, original in enumerate(order):
        neighbors = [categories[other] for other in order[max(0, place - 4) : place]]
        if neighbors.count(categories[original]) >= 2:
            near = sorted(order[place:])[:9]
            assert all(neighbors.count(categories[other]) >= 2 for other in near)
