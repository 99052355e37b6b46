"""What an undo refers to, case by case; and that no order of arrival, batch or restart makes a difference."""

import math
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import event_types as e
from services.features.definitions.observation import Observation
from services.features.definitions.reversals import Action, net_shares
from services.features.definitions.user_state import UserState
from tests.unit.features.strategies import DAY, NOW, quick
from vitrine.features.v1.user_features_pb2 import UserFeatures


def action(kind: int, millis: int, quantity: float = 1.0, order: int = 0) -> Action:
    return Action(kind, millis, millis, quantity, order)


CASES: dict[str, tuple[list[Action], list[float]]] = {
    "a refund takes its order's purchase": (
        [action(e.PURCHASE, 1, order=7), action(e.PURCHASE, 2, order=8), action(e.REFUND, 3, order=7)],
        [0, 1, 0],
    ),
    "a refund of part of the quantity": ([action(e.PURCHASE, 1, 4.0, 7), action(e.REFUND, 3, 1.0, 7)], [0.75, 0]),
    "several parts that make the whole": (
        [action(e.PURCHASE, 1, 0.3, 7), *[action(e.REFUND, n, 0.1, 7) for n in (3, 4, 5)]],
        [0, 0, 0, 0],
    ),
    "more than was bought": ([action(e.PURCHASE, 1, 1.0, 7), action(e.REFUND, 3, 9.0, 7)], [0, 0]),
    "two lines of one order, the newest first": (
        [action(e.PURCHASE, 1, 2.0, 7), action(e.PURCHASE, 2, 2.0, 7), action(e.REFUND, 3, 3.0, 7)],
        [0.5, 0, 0],
    ),
    "a clock that runs behind does not matter within an order": (
        [action(e.PURCHASE, 5, order=7), action(e.REFUND, 3, order=7)],
        [0, 0],
    ),
    "another order's purchase stays": ([action(e.PURCHASE, 1, order=8), action(e.REFUND, 3, order=7)], [1, 0]),
    "a purchase that names no order": ([action(e.PURCHASE, 1), action(e.REFUND, 3, order=7)], [0, 0]),
    "but only one before the refund": ([action(e.PURCHASE, 4), action(e.REFUND, 3, order=7)], [1, 0]),
    "a refund without an order takes the newest before it": (
        [action(e.PURCHASE, 1, order=7), action(e.PURCHASE, 2), action(e.PURCHASE, 5), action(e.REFUND, 3)],
        [1, 0, 1, 0],
    ),
    "refunds that name an order choose first": (
        [
            action(e.PURCHASE, 1, order=7),
            action(e.PURCHASE, 2, order=8),
            action(e.REFUND, 3),
            action(e.REFUND, 4, order=8),
        ],
        [0, 0, 0, 0],
    ),
    "a refund of nothing": ([action(e.REFUND, 3, order=7), action(e.REFUND, 4)], [0, 0]),
    "an unfavorite takes the mark before it": (
        [action(e.FAVORITE, 1), action(e.UNFAVORITE, 2), action(e.FAVORITE, 3)],
        [0, 0, 1],
    ),
    "a mark that is set twice is one mark": ([action(e.FAVORITE, 1), action(e.FAVORITE, 2)], [0, 1]),
    "of one moment, what takes back comes last": ([action(e.UNFAVORITE, 1), action(e.FAVORITE, 1)], [0, 0]),
    "a removal takes the newest additions before it": (
        [
            action(e.ADD_TO_CART, 1, 2.0),
            action(e.ADD_TO_CART, 2),
            action(e.REMOVE_FROM_CART, 3, 2.0),
            action(e.ADD_TO_CART, 4),
        ],
        [0.5, 0, 0, 1],
    ),
    "what was bought cannot be removed from the cart": (
        [action(e.ADD_TO_CART, 1), action(e.PURCHASE, 2), action(e.REMOVE_FROM_CART, 3)],
        [1, 1, 0],
    ),
    "kinds do not mix": ([action(e.FAVORITE, 1), action(e.PURCHASE, 2), action(e.REMOVE_FROM_CART, 3)], [1, 1, 0]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_taken_back(name: str) -> None:
    actions, shares = CASES[name]
    for order in permutations(range(len(actions))):
        found = net_shares([actions[place] for place in order])
        assert found == pytest.approx([shares[place] for place in order]), order


def features_of(*history: Observation) -> UserFeatures:
    state = UserState()
    for observation in history:
        state.apply(observation)
    return state.features(NOW)


PURCHASE = Observation(e.PURCHASE, 1, NOW - 60 * DAY, "p", 4.0, 10.0, order_id="o")
AGAIN = Observation(e.PURCHASE, 1, NOW - 120 * DAY, "q", 1.0, 20.0, order_id="older")


def test_a_refunded_purchase_leaves_times_prices_and_sums() -> None:
    refund = Observation(e.REFUND, 1, NOW - DAY, "r", 4.0, order_id="o")
    features = features_of(refund, PURCHASE, AGAIN)
    counters = features.counters
    assert list(counters.purchase_counts) == [1]
    assert list(counters.first_purchase_millis) == list(counters.last_purchase_millis) == [AGAIN.event_millis]
    assert list(counters.decayed_purchases) == pytest.approx([0.25])
    assert list(counters.last_event_millis) == [NOW - DAY]
    assert features.prices.count == 1
    assert features.prices.mean_log_price == pytest.approx(math.log1p(20.0))
    all_back = features_of(refund, PURCHASE)
    assert list(all_back.counters.purchase_counts) == list(all_back.counters.last_purchase_millis) == [0]
    assert list(all_back.counters.decayed_purchases) == [0.0]
    assert not all_back.HasField("prices")


def test_a_part_that_is_given_back_weighs_no_more() -> None:
    features = features_of(PURCHASE, Observation(e.REFUND, 1, NOW, "r", 1.0, order_id="o"))
    assert list(features.counters.purchase_counts) == [1]
    assert list(features.counters.decayed_purchases) == pytest.approx([0.5 * 0.75])


def test_a_refund_does_not_put_the_item_back_into_the_cart() -> None:
    cart = Observation(e.ADD_TO_CART, 1, NOW - 61 * DAY, "c", 4.0)
    refund = Observation(e.REFUND, 1, NOW - DAY, "r", 4.0, order_id="o")
    assert list(features_of(cart).counters.cart_counts) == [1]
    assert list(features_of(cart, PURCHASE, refund).counters.cart_counts) == [0]


def test_an_undo_finds_its_deed_across_merged_visitors() -> None:
    anonymous, known = UserState(), UserState()
    known.apply(Observation(e.REFUND, 1, NOW, "r", 4.0, order_id="o"))
    known.apply(Observation(e.REMOVE_FROM_CART, 2, NOW, "s"))
    anonymous.apply(PURCHASE)
    anonymous.apply(Observation(e.ADD_TO_CART, 2, NOW - DAY, "t"))
    known.merge(anonymous)
    counters = known.features(NOW).counters
    assert list(counters.purchase_counts) == list(counters.cart_counts) == [0, 0]
    assert list(counters.decayed_interest) == [0.0, 0.0]


ODD_QUANTITIES = st.sampled_from([1.0, -1.0, 0.0, math.nan, math.inf, 1e300, 5e-324, 1e6])
ODD_PRICES = st.sampled_from([None, 0.0, -1.0, -0.0, math.nan, math.inf, 1e308, 1e12])
ODD_TIMES = st.sampled_from([-62_135_596_800_000, -1, 0, 1, NOW, 253_402_300_799_999])


@st.composite
def odd_observations(draw: st.DrawFn) -> Observation:
    return Observation(
        type=draw(st.integers(e.VIEW, e.IMPRESSION)),
        item_no=draw(st.integers(0, 3)),
        event_millis=draw(ODD_TIMES),
        quantity=draw(ODD_QUANTITIES),
        unit_price=draw(ODD_PRICES),
        watched_fraction=draw(st.sampled_from([None, -1.0, math.nan, 0.5, math.inf])),
        search_text="text",
        subject="2:brand",
        order_id=draw(st.sampled_from(["", "o"])),
    )


@quick
@given(st.lists(odd_observations(), max_size=40), ODD_TIMES)
def test_odd_numbers_and_times_make_nothing_infinite_or_negative(history: list[Observation], query: int) -> None:
    state = UserState()
    for n, observation in enumerate(history):
        for tally in state.apply(replace(observation, event_id=str(n))):
            assert math.isfinite(tally.strength)
            assert tally.price is None or 0.0 <= tally.price <= 1e12
    for features in (state.features(query), UserState.from_bytes(state.to_bytes()).features(query)):
        counters = features.counters
        columns = [counters.decayed_purchases, counters.decayed_interest]
        values = [value for column in columns for value in column]
        values += [features.prices.mean_log_price, features.prices.deviation_log_price]
        assert all(math.isfinite(value) and value >= 0.0 for value in values)
