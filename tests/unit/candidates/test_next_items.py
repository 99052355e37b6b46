from math import sqrt

import numpy as np
import pytest

from services.candidates.job_settings import SequenceSettings
from services.candidates.jobs.next_items import next_items
from services.candidates.jobs.rows import Rows
from tests.support.shop_events import events_of

MILLION = 1_000_000


def made(
    rows: list[tuple[int, int, int]], settings: SequenceSettings, block_entries: int = MILLION
) -> dict[tuple[int, int], tuple[float, int]]:
    events = events_of(rows)
    item_nos = np.unique(events.items)
    table: Rows = next_items(events, item_nos, settings, block_entries)
    owners = np.repeat(item_nos, np.diff(table.starts))
    return {
        (int(owner), int(item_nos[column])): (float(score), int(support))
        for owner, column, score, support in zip(owners, table.columns, table.scores, table.supports, strict=True)
    }


def dense(rows: list[tuple[int, int, int]], settings: SequenceSettings) -> dict[tuple[int, int], tuple[float, int]]:
    """The formula over all pairs of all users, word for word."""
    first: dict[int, dict[int, int]] = {}
    for user, item, millis in rows:
        times = first.setdefault(user, {})
        times[item] = min(times.get(item, millis), millis)
    users_of = {item: sum(item in times for times in first.values()) for _, item, _ in rows}
    sums: dict[tuple[int, int], float] = {}
    supports: dict[tuple[int, int], int] = {}
    for times in first.values():
        steps = {millis: step for step, millis in enumerate(sorted(set(times.values())))}
        for a, time_a in times.items():
            for b, time_b in times.items():
                distance = steps[time_b] - steps[time_a]
                if 0 < distance <= settings.window:
                    sums[a, b] = sums.get((a, b), 0.0) + 1 / sqrt(distance)
                    supports[a, b] = supports.get((a, b), 0) + 1
    return {
        (a, b): (
            total / (users_of[a] ** 0.5 * users_of[b] ** 0.3) * total / (total + settings.shrinkage),
            supports[a, b],
        )
        for (a, b), total in sums.items()
        if supports[a, b] >= settings.minimum_support
    }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("block_entries", [1000, MILLION])
def test_scores_are_those_of_the_formula(seed: int, block_entries: int) -> None:
    random = np.random.default_rng(seed)
    rows = [
        (int(random.integers(20)), int(random.integers(1, 25)), int(random.integers(40)) * 1000) for _ in range(400)
    ]
    settings = SequenceSettings(window=3, minimum_support=2, per_item=100)
    found, expected = made(rows, settings, block_entries), dense(rows, settings)
    assert found.keys() == expected.keys()
    for pair, (score, support) in expected.items():
        assert found[pair][0] == pytest.approx(score, abs=1e-6)
        assert found[pair][1] == support


def test_the_direction_counts_and_one_moment_has_none() -> None:
    rows = [(user, item, millis) for user in range(3) for item, millis in ((1, 0), (2, 5), (3, 5))]
    assert set(made(rows, SequenceSettings())) == {(1, 2), (1, 3)}


@pytest.mark.parametrize("rows", [[], [(1, 1, 0)], [(1, 1, 0), (1, 1, 9)], [(1, 1, 0), (2, 2, 0)]])
def test_who_has_one_item_leads_nowhere(rows: list[tuple[int, int, int]]) -> None:
    assert made(rows, SequenceSettings()) == {}


def test_a_user_of_100_000_events_counts_with_the_last_items() -> None:
    rows = [(1, number, number) for number in range(1, 100_001)]
    events = events_of(rows)
    table = next_items(events, np.unique(events.items), SequenceSettings(items_per_user=50, window=2), 1000)
    assert int(table.columns.min()) == 99_951
    assert len(table) == 49 + 48
