"""A till or a guest account does more than any shopper: its state stays small, and says the same of what's in it."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import event_types as e
from services.features.definitions import item_counters, reversible_actions
from services.features.definitions.item_columns import ItemColumns
from services.features.definitions.observation import Observation
from services.features.definitions.reversals import Action, settle
from services.features.definitions.user_state import UserState
from tests.support.same_features import assert_same_features
from tests.unit.features.strategies import DAY, NOW, histories, quick

ITEMS = ItemColumns(category_nos=np.array([0, 3, 3, 2, 4, 0, 1], np.uint32))


@pytest.fixture
def small_maxima() -> Iterator[None]:
    """Of all actions 10 may be taken back, of one item's 4."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reversible_actions, "MAXIMUM_ACTIONS", 10)
        patch.setattr(reversible_actions, "MAXIMUM_ACTIONS_OF_ITEM", 4)
        yield


def purchase(number: int, item_no: int, order: str = "") -> Observation:
    return Observation(e.PURCHASE, item_no, NOW + number * 1_000, f"p{number}", 1.0, 2.0 + item_no, order_id=order)


def state_of(history: list[Observation]) -> UserState:
    state = UserState()
    for observation in history:
        state.apply(observation)
    return state


def test_a_tills_state_stays_small_and_its_counts_right() -> None:
    state = UserState()
    sizes = []
    for number in range(8_000):
        state.apply(purchase(number, number % 20 + 1, f"o{number}"))
        if number % 10 == 9:  # each tenth purchase is given back at once
            state.apply(
                Observation(e.REFUND, number % 20 + 1, NOW + number * 1_000 + 1, f"r{number}", order_id=f"o{number}")
            )
        if number % 2_000 == 1_999:
            sizes.append(len(state.to_bytes()))
    assert max(sizes) < 200_000
    assert sizes[-1] < 1.1 * sizes[1]
    counters = UserState.from_bytes(state.to_bytes()).features(NOW + 8_000_000).counters
    assert list(counters.purchase_counts) == [0 if item_no % 10 == 0 else 400 for item_no in range(1, 21)]
    assert counters.first_purchase_millis[0] == NOW
    assert counters.last_purchase_millis[0] == NOW + 7_980 * 1_000


@quick
@given(histories(), st.booleans())
def test_compaction_changes_nothing_that_is_known(history: list[Observation], stored: bool) -> None:
    state = state_of(history)
    queries = (NOW, NOW + 40 * DAY)
    before = [state.features(query, ITEMS) for query in queries]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reversible_actions, "MAXIMUM_ACTIONS", 10)
        state = UserState.from_bytes(state.to_bytes())
        state.counters._actions._limit = 10  # as a state that comes from before there was a maximum
        state.counters._compact()
        if stored:
            state = UserState.from_bytes(state.to_bytes())
        for query, expected in zip(queries, before, strict=True):
            assert_same_features(state.features(query, ITEMS), expected)


@quick
@given(histories())
def test_without_reversals_a_compacted_state_goes_on_like_any_other(history: list[Observation]) -> None:
    reversals = {e.REFUND, e.REMOVE_FROM_CART, e.UNFAVORITE}
    history = sorted((o for o in history if o.type not in reversals), key=lambda observation: observation.event_millis)
    expected = state_of(history)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reversible_actions, "MAXIMUM_ACTIONS", 10)
        patch.setattr(reversible_actions, "MAXIMUM_ACTIONS_OF_ITEM", 4)
        state = UserState()
        state.counters._actions._limit = 10
        half = len(history) // 2
        for observation in history[:half]:
            state.apply(observation)
        other = state_of(history[half:])
        state.merge(other)
    assert_same_features(state.features(NOW, ITEMS), expected.features(NOW, ITEMS))


@pytest.mark.usefixtures("small_maxima")
def test_what_is_compacted_cannot_be_taken_back_and_the_rest_can() -> None:
    state = UserState()
    state.counters._actions._limit = 10
    for number in range(20):
        state.apply(purchase(number, 1, f"o{number}"))
    later = NOW + 100_000
    assert state.apply(Observation(e.REFUND, 1, later, "r0", order_id="o0"))[0].number == 0
    (tally, _) = state.apply(Observation(e.REFUND, 1, later, "r19", order_id="o19"))
    assert (tally.number, tally.price, tally.buyers, tally.interval_millis) == (-1, 3.0, 0, -1_000)
    counters = state.features(later).counters
    assert (list(counters.purchase_counts), list(counters.first_purchase_millis)) == ([19], [NOW])


def test_beyond_the_greatest_number_of_items_events_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_counters, "MAXIMUM_ROWS", 3)
    state = UserState()
    for item_no in (1, 2, 3):
        assert state.apply(purchase(item_no, item_no))
    assert state.apply(purchase(4, 4)) == []
    assert state.apply(purchase(5, 1))
    other = UserState()
    for number in range(2):
        other.apply(purchase(number, 9))
        other.apply(purchase(number, 2))
    state.merge(other)
    state = UserState.from_bytes(state.to_bytes())
    assert (state.event_count, state.uncounted_events) == (9, 3)
    assert list(state.features(NOW).counters.purchase_counts) == [2, 3, 1]


def test_settling_takes_little_longer_than_there_are_actions() -> None:
    """A till's refunds go through its purchases once: some ten thousand takings, not the square of that."""
    actions = [Action(e.PURCHASE, n, n, 1.0, 0) for n in range(10_000)]
    actions += [Action(e.REFUND, 10_000 + n, n, 1.0, 0) for n in range(10_000)]
    settlement = settle(actions)
    assert not any(settlement.shares)
    assert len(settlement.takings) == 10_000
