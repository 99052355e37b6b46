import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.common import event_types
from services.features.definitions.item_statistics import ItemStatistics
from services.features.definitions.observation import Observation
from services.features.definitions.tally import Tally
from services.features.definitions.user_state import UserState
from tests.unit.features.strategies import DAY, NOW, histories, quick


def statistics_of(history: list[Observation], users: int = 3) -> ItemStatistics:
    """The statistics of a history that is spread over some users, always in the same way."""
    statistics = ItemStatistics()
    states = [UserState() for _ in range(users)]
    for observation in history:
        statistics.apply(states[observation.tie_break % users].apply(observation))
    for version, item_no in enumerate(sorted(statistics.take_unsaved()), 1):
        statistics.stored(item_no, version)
    return statistics


def padded(column: NDArray[Any]) -> list[float]:
    """A column as long as there are items: how far it has grown depends on what came first."""
    return [*column.tolist(), *[0] * 7][:7]


@quick
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(history: list[Observation], shuffler: random.Random) -> None:
    shuffled = list(history)
    shuffler.shuffle(shuffled)
    one, other = statistics_of(history), statistics_of(shuffled)
    for name in (
        "views",
        "favorites",
        "carts",
        "purchases",
        "impressions",
        "price_counts",
        "buyers",
        "users",
        "intervals",
    ):
        assert padded(one.column(name)) == padded(other.column(name))
    assert padded(one.column("interval_millis")) == padded(other.column("interval_millis"))
    for name in ("decayed_1d", "decayed_7d", "decayed_30d"):
        left, right = padded(one.decayed(name, NOW + DAY)), padded(other.decayed(name, NOW + DAY))
        assert left == pytest.approx(right, rel=1e-9, abs=1e-9)
    held = np.arange(min(len(one.versions), len(other.versions)))
    # Prices of up to 1e12 were added and taken away again.
    assert one.price_means(held) == pytest.approx(other.price_means(held), rel=1e-9, abs=0.1)


@quick
@given(histories())
def test_users_are_those_with_something_that_stands(history: list[Observation]) -> None:
    users = 3
    states = [UserState() for _ in range(users)]
    for observation in history:
        states[observation.tie_break % users].apply(observation)
    column = statistics_of(history, users).column("users")
    for item_no in range(1, len(column)):
        behind = 0
        for state in states:
            item_nos, strengths = state.counters.strengths(NOW + DAY, state.counters.net_actions())
            viewed = dict(zip(state.counters.item_nos, state.counters.views, strict=True))
            taken = dict(zip(item_nos.tolist(), strengths.tolist(), strict=True))
            behind += taken.get(item_no, 0.0) > 0.0 or viewed.get(item_no, 0) > 0
        assert column[item_no] == behind


@quick
@given(histories(), st.booleans())
def test_intervals_are_those_of_the_purchases_that_stand(history: list[Observation], stored: bool) -> None:
    statistics, state = ItemStatistics(), UserState()
    for observation in history:
        statistics.apply(state.apply(observation))
        if stored:
            state = UserState.from_bytes(state.to_bytes())
    counters = state.features(NOW + DAY).counters
    counts, spans = padded(statistics.column("intervals")), padded(statistics.column("interval_millis"))
    times = zip(counters.first_purchase_millis, counters.last_purchase_millis, strict=True)
    for item_no, count, (first, last) in zip(counters.item_nos, counters.purchase_counts, times, strict=True):
        assert counts[item_no] == max(count - 1, 0)
        assert spans[item_no] == last - first


def test_an_interval_is_from_a_users_purchase_to_the_next_one() -> None:
    statistics, mine, others = ItemStatistics(), UserState(), UserState()
    for ago, order in ((10, "a"), (30, "b"), (14, "c")):  # in any order: 16 and 4 days
        statistics.apply(mine.apply(Observation(event_types.PURCHASE, 1, NOW - ago * DAY, order, order_id=order)))
    for item_no, ago in ((1, 10), (1, 2), (2, 5)):
        key = f"{item_no}-{ago}"
        statistics.apply(others.apply(Observation(event_types.PURCHASE, item_no, NOW - ago * DAY, key)))
    assert statistics.interval_means(np.array([1, 2])).tolist() == pytest.approx([(16 + 4 + 8) / 3, -1.0])
    assert statistics.counts("intervals", np.array([1, 2])).tolist() == [3, 0]
    statistics.apply(mine.apply(Observation(event_types.REFUND, 1, NOW, "d", order_id="b")))
    assert statistics.interval_means(np.array([1])).tolist() == pytest.approx([(4 + 8) / 2])


def test_one_refund_of_several_purchases_leaves_no_interval() -> None:
    statistics, state = ItemStatistics(), UserState()
    for ago in (30, 20, 10):
        statistics.apply(state.apply(Observation(event_types.PURCHASE, 1, NOW - ago * DAY, f"{ago}")))
    statistics.apply(state.apply(Observation(event_types.REFUND, 1, NOW, "back", quantity=3.0)))
    assert (statistics.intervals[1], statistics.interval_millis[1]) == (0, 0)


@quick
@given(histories())
def test_rows_restore_the_statistics(history: list[Observation]) -> None:
    statistics = statistics_of(history)
    items, _ = statistics.changed_after(0, 100)
    restored = ItemStatistics()
    for item_no in items.tolist():
        restored.learn(statistics.row(item_no))
    assert restored.version == statistics.version
    for item_no in items.tolist():
        assert restored.row(item_no) == statistics.row(item_no)


def test_changes_come_in_pages_by_version() -> None:
    statistics = statistics_of([Observation(event_types.VIEW, item_no, NOW) for item_no in (9, 2, 5)])
    first, more = statistics.changed_after(0, 2)
    assert first.tolist() == [2, 5]
    assert more
    last, more = statistics.changed_after(statistics.versions[5], 2)
    assert last.tolist() == [9]
    assert not more
    statistics.apply([Tally(2, event_types.VIEW, NOW, 1, 1.0)])
    assert list(statistics.take_unsaved()) == [2]
    statistics.stored(2, 4)
    assert statistics.changed_after(statistics.versions[9], 2)[0].tolist() == [2]


def test_strengths_and_prices() -> None:
    statistics = statistics_of(
        [
            Observation(event_types.PURCHASE, 1, NOW - DAY, "a", unit_price=2.0),
            Observation(event_types.PURCHASE, 1, NOW - DAY, "b", unit_price=4.0),
            Observation(event_types.REFUND, 2, NOW, "c"),
            Observation(event_types.WATCH, 3, NOW, "d", watched_fraction=0.5),
        ]
    )
    assert statistics.decayed("decayed_1d", NOW)[1:4].tolist() == pytest.approx([5.0, 0.0, 0.5])
    assert statistics.price_means(np.array([1, 2])).tolist() == [3.0, -1.0]
    assert statistics.counts("purchases", np.array([1, 2])).tolist() == [2, 0]


@pytest.mark.parametrize("first", ["do", "undo"])
def test_what_is_taken_back_leaves_nothing_behind(first: str) -> None:
    done = [
        Observation(event_types.PURCHASE, 1, NOW - 3 * DAY, "a", unit_price=2.0, order_id="o"),
        Observation(event_types.FAVORITE, 1, NOW - 2 * DAY, "b"),
        Observation(event_types.ADD_TO_CART, 1, NOW - DAY, "c", unit_price=9.0),
    ]
    undone = [
        Observation(event_types.REFUND, 1, NOW, "d", order_id="o"),
        Observation(event_types.UNFAVORITE, 1, NOW, "e"),
        Observation(event_types.REMOVE_FROM_CART, 1, NOW, "f"),
    ]
    statistics = statistics_of([*done, *undone] if first == "do" else [*undone, *done], users=1)
    row = statistics.row(1)
    assert (row.favorites, row.carts, row.purchases, row.price_count, row.buyers) == (0, 0, 0, 0, 0)
    assert [row.price_sum, row.decayed_1d, row.decayed_7d, row.decayed_30d] == pytest.approx([0.0] * 4, abs=1e-12)
    assert row.anchor_millis == NOW


def test_a_buyer_is_counted_once_and_until_the_last_purchase_is_given_back() -> None:
    statistics, state = ItemStatistics(), UserState()
    counts = []
    for kind, order in [
        (event_types.PURCHASE, "one"),
        (event_types.PURCHASE, "two"),
        (event_types.REFUND, "one"),
        (event_types.REFUND, "two"),
        (event_types.PURCHASE, "three"),
    ]:
        statistics.apply(state.apply(Observation(kind, 1, NOW, f"{kind}{order}", order_id=order)))
        counts.append((statistics.purchases[1], statistics.buyers[1]))
    assert counts == [(1, 1), (2, 1), (1, 1), (0, 0), (1, 1)]
