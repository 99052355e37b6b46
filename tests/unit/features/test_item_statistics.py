import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.common import event_types
from services.features.definitions.distinct_count import DistinctCount
from services.features.definitions.item_statistics import ItemStatistics, hash_visitor
from services.features.definitions.observation import Observation
from tests.unit.features.strategies import DAY, NOW, histories, quick


def statistics_of(history: list[Observation]) -> ItemStatistics:
    statistics = ItemStatistics()
    for observation in history:
        statistics.apply(observation, hash_visitor(observation.event_id))
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
    for name in ("views", "favorites", "carts", "purchases", "impressions", "price_counts"):
        assert padded(one.column(name)) == padded(other.column(name))
    for name in ("decayed_1d", "decayed_7d", "decayed_30d"):
        left, right = padded(one.decayed(name, NOW + DAY)), padded(other.decayed(name, NOW + DAY))
        assert left == pytest.approx(right, rel=1e-9, abs=1e-9)
    assert [one.buyer_count(no) for no in range(7)] == [other.buyer_count(no) for no in range(7)]


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
    statistics.apply(Observation(event_types.VIEW, 2, NOW), 0)
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


@pytest.mark.parametrize("size", [0, 1, 64, 65, 500, 20_000])
def test_distinct_counts_are_exact_and_then_close(size: int) -> None:
    values = [hash_visitor(f"u:{n}") for n in range(size)]
    count = DistinctCount()
    for value in values + values[::-1]:
        count.add(value)
    assert count.estimate() == pytest.approx(size, rel=0.0 if size <= 64 else 0.1)
    assert DistinctCount.from_bytes(count.to_bytes()).estimate() == count.estimate()
