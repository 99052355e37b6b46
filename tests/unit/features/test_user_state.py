import math
import random
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import event_types
from services.features.definitions.item_columns import ItemColumns
from services.features.definitions.observation import Observation, observe
from services.features.definitions.user_state import DECLARATIONS, UserState
from tests.support.same_features import assert_same_features
from tests.unit.features.strategies import DAY, NOW, histories, quick
from vitrine.events.v1.event_pb2 import EVENT_TYPE_FOLLOW, SUBJECT_KIND_BRAND, Event, Subject
from vitrine.features.v1.user_features_pb2 import UserFeatures

ITEMS = ItemColumns(
    category_nos=np.array([0, 3, 3, 2, 4, 0, 9], np.uint32),  # 9: a category that the tree does not have
    brand_nos=np.array([0, 1, 1, 2, 0, 2, 1], np.uint32),
    parent_category_nos=np.array([0, 0, 1, 2, 1], np.uint32),
)


def state_of(observations: Iterable[Observation]) -> UserState:
    state = UserState()
    for observation in observations:
        state.apply(observation)
    return state


def assert_same(one: UserState, other: UserState) -> None:
    """Counts are equal, decayed sums to 1e-9."""
    for query in (NOW, NOW + 40 * DAY):
        assert_same_features(one.features(query, ITEMS), other.features(query, ITEMS))


def sums_of(state: UserState) -> list[dict[int, float]]:
    """The decayed sums of each item before they are rounded to the contract's floats."""
    counters = state.counters
    net = counters.net_actions()
    columns = [
        net.purchases(NOW),
        net.strengths((event_types.FAVORITE, event_types.ADD_TO_CART), NOW, 7.0),
        counters.strengths(NOW, net)[1],
        np.array(counters.interest_7d),
    ]
    return [dict(zip(counters.item_nos, column.tolist(), strict=True)) for column in columns]


def item(
    event_type: int, item_no: int, age_days: float, event_id: str = "e", price: float | None = None
) -> Observation:
    return Observation(event_type, item_no, NOW - int(age_days * DAY), event_id, unit_price=price)


@quick
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(history: list[Observation], shuffler: random.Random) -> None:
    shuffled = list(history)
    shuffler.shuffle(shuffled)
    assert_same(state_of(history), state_of(shuffled))


@quick
@given(histories(), st.randoms(use_true_random=False))
def test_decayed_sums_commute_to_1e_9(history: list[Observation], shuffler: random.Random) -> None:
    shuffled = list(history)
    shuffler.shuffle(shuffled)
    one, other = sums_of(state_of(history)), sums_of(state_of(shuffled))
    for left, right in zip(one, other, strict=True):
        assert left == pytest.approx(right, rel=1e-9, abs=1e-9)


@quick
@given(histories(), histories(prefix="other"))
def test_merging_is_as_if_all_events_had_been_one_users(one: list[Observation], other: list[Observation]) -> None:
    merged = state_of(one)
    merged.merge(state_of(other))
    assert_same(merged, state_of(one + other))
    swapped = state_of(other)
    swapped.merge(state_of(one))
    assert_same(merged, swapped)


@quick
@given(histories(), histories(20, prefix="later"))
def test_storage_keeps_everything_and_can_go_on(history: list[Observation], later: list[Observation]) -> None:
    restored = UserState.from_bytes(state_of(history).to_bytes())
    for observation in later:
        restored.apply(observation)
    assert_same(restored, state_of(history + later))


def test_bounds_keep_the_newest_whatever_the_order() -> None:
    history = [item(event_types.VIEW, n, age_days=n / 100, event_id=str(n)) for n in range(1, 5_601)]
    history += [item(event_types.IMPRESSION, n, age_days=n / 1_000, event_id=f"i{n}") for n in range(10_000, 12_500)]
    searches = [Observation(event_types.SEARCH, 0, NOW - n, str(n), search_text=f"q{n}") for n in range(50)]
    backwards = state_of((history + searches)[::-1]).features(NOW)
    forwards = state_of(history + searches).features(NOW)
    assert forwards == backwards
    assert len(forwards.recent.item_nos) == 512
    assert list(forwards.counters.item_nos) == list(range(1, 5_001))
    assert len(forwards.impressions.item_nos) == 2_048
    assert list(forwards.search_texts) == [f"q{n}" for n in range(20)]


def test_recent_events_stand_by_their_time_and_leave_impressions_out() -> None:
    state = state_of([item(1, 7, 1.0, "b"), item(15, 9, 0.5), item(7, 8, 2.0, "a"), item(3, 7, 1.0, "c")])
    recent = state.features(NOW).recent
    assert list(recent.event_times_millis) == sorted(recent.event_times_millis)
    assert sorted(zip(recent.item_nos, recent.types, strict=True)) == [(7, 1), (7, 3), (8, 7)]


def test_decay_halves_at_its_half_life() -> None:
    counters = state_of([item(event_types.PURCHASE, 1, 60.0), item(event_types.VIEW, 2, 7.0)]).features(NOW).counters
    assert list(counters.decayed_purchases) == pytest.approx([0.5, 0.0])
    assert list(counters.decayed_interest) == pytest.approx([0.0, 0.5])


def test_a_query_before_the_events_gives_finite_values() -> None:
    features = state_of([item(event_types.PURCHASE, 1, 0.0, price=3.0)]).features(-62_135_596_800_000, ITEMS)
    assert list(features.counters.decayed_purchases) == [1.0]
    assert all(math.isfinite(weight) for weight in features.category_affinities.weights)


def test_refunds_favorites_and_carts_are_undone() -> None:
    state = state_of(
        [
            item(event_types.PURCHASE, 1, 3.0, "a"),
            item(event_types.REFUND, 1, 2.0, "b"),
            item(event_types.UNFAVORITE, 2, 1.0, "d"),
            item(event_types.FAVORITE, 2, 2.0, "c"),
            item(event_types.FAVORITE, 3, 1.0, "e"),
            item(event_types.ADD_TO_CART, 4, 1.0, "f"),
            item(event_types.REMOVE_FROM_CART, 4, 0.5, "g"),
            item(event_types.ADD_TO_CART, 5, 1.0, "h"),
            item(event_types.ADD_TO_CART, 6, 9.0, "i"),
            item(event_types.PURCHASE, 6, 8.0, "j"),
        ]
    )
    counters = state.features(NOW).counters
    assert list(counters.item_nos) == [1, 2, 3, 4, 5, 6]
    assert list(counters.purchase_counts) == [0, 0, 0, 0, 0, 1]
    assert list(counters.favorite_counts) == [0, 0, 1, 0, 0, 0]
    assert list(counters.cart_counts) == [0, 0, 0, 0, 1, 0]
    assert min(counters.decayed_purchases) >= 0.0


def test_purchases_before_1970_keep_first_and_last() -> None:
    times = [-5_000, 0, 86_400_000]
    for order in (times, times[::-1]):
        counters = state_of(Observation(7, 1, millis, str(millis)) for millis in order).features(NOW).counters
        assert list(counters.first_purchase_millis) == [1]
        assert list(counters.last_purchase_millis) == [86_400_000]


def test_impressions_count_since_the_item_was_taken_up() -> None:
    shown = [item(event_types.IMPRESSION, 1, age, f"i{age}") for age in (20.0, 5.0, 3.0, 1.0)]
    taken_up = [item(event_types.CLICK, 1, 4.0, "c")]
    for history in (shown, shown[:2] + taken_up + shown[2:], taken_up + shown):
        impressions = state_of(history).features(NOW).impressions
        assert list(impressions.counts) == [3 if history is shown else 2]
        assert list(impressions.last_millis) == [NOW - DAY]


def test_affinities_follow_the_catalog_of_now() -> None:
    state = state_of([item(event_types.PURCHASE, 1, 0.0, "a"), item(event_types.VIEW, 4, 0.0, "b")])
    assert not state.features(NOW, ItemColumns()).category_affinities.nos
    features = state.features(NOW, ITEMS)
    # Item 1 is in 3 below 2 below 1, item 4 in 4 below 1.
    assert dict(zip(features.category_affinities.nos, features.category_affinities.weights, strict=True)) == {
        1: 6.0,
        2: 5.0,
        3: 5.0,
        4: 1.0,
    }
    assert features.category_affinities.nos[0] == 1
    assert list(features.brand_affinities.nos) == [1]


def test_missing_is_said_and_is_not_zero() -> None:
    names = {declaration.name for declaration in DECLARATIONS}
    assert names <= set(UserFeatures.DESCRIPTOR.fields_by_name)
    features = UserState().features(NOW, ITEMS)
    assert not features.known
    assert {state.feature for state in features.states} == names
    bought = state_of([item(event_types.PURCHASE, 1, 1.0, price=0.0)]).features(NOW, ITEMS)
    assert {state.feature for state in bought.states} == {"impressions", "follows", "search_texts", "disliked_item_nos"}
    assert bought.prices.count == 1


@pytest.mark.parametrize("price", [math.nan, math.inf, -1.0, -2.0])
def test_a_price_that_is_none_poisons_nothing(price: float) -> None:
    features = state_of([item(event_types.PURCHASE, 1, 1.0, price=price)]).features(NOW)
    assert not features.HasField("prices")


def test_price_profile_is_of_logarithms() -> None:
    prices = [0.0, math.e - 1, math.e**2 - 1]
    features = state_of(item(event_types.PURCHASE, 1, 1.0, str(p), price=p) for p in prices).features(NOW)
    assert features.prices.mean_log_price == pytest.approx(1.0)
    assert features.prices.deviation_log_price == pytest.approx(math.sqrt(2 / 3))


def test_subjects_with_colons_keep_their_ids() -> None:
    event = Event(type=EVENT_TYPE_FOLLOW, event_id="e", subject=Subject(kind=SUBJECT_KIND_BRAND, subject_id="a:b/é"))
    event.event_time.seconds = NOW // 1000
    features = state_of([observe(event, 0)]).features(NOW)
    assert list(features.follows) == [Subject(kind=SUBJECT_KIND_BRAND, subject_id="a:b/é")]
