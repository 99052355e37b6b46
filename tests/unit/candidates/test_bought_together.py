from math import log

import numpy as np
import pytest

from services.candidates.job_settings import BasketSettings
from services.candidates.jobs.bought_together import bought_together
from tests.support.shop_events import events_of

HOUR = 3_600_000
MILLION = 1_000_000


def made(
    rows: list[tuple[int, int, int]],
    orders: list[int],
    settings: BasketSettings,
    block_entries: int = MILLION,
    *,
    bought: bool = True,
) -> dict[tuple[int, int], tuple[float, int]]:
    events = events_of(rows, orders=orders, bought=bought)
    item_nos = np.unique(events.items)
    table = bought_together(events, item_nos, settings, block_entries)
    owners = np.repeat(item_nos, np.diff(table.starts))
    return {
        (int(owner), int(item_nos[column])): (float(score), int(support))
        for owner, column, score, support in zip(owners, table.columns, table.scores, table.supports, strict=True)
    }


def dense(
    rows: list[tuple[int, int, int]], orders: list[int], settings: BasketSettings
) -> dict[tuple[int, int], tuple[float, int]]:
    """The formula over all pairs of all baskets, word for word."""
    baskets: dict[tuple[int, int], set[int]] = {}
    for (user, item, _), order in zip(rows, orders, strict=True):
        baskets.setdefault((user, order), set()).add(item)
    items = {item for _, item, _ in rows}
    found = {}
    for a in items:
        for b in items - {a}:
            both = [user for (user, _), basket in baskets.items() if {a, b} <= basket]
            chance = sum(a in basket for basket in baskets.values()) * sum(b in basket for basket in baskets.values())
            score = log((len(both) + settings.shrinkage) / (chance / len(baskets) + settings.shrinkage))
            if len(both) >= settings.minimum_support and score > 0:
                found[a, b] = score, len(set(both))
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("block_entries", [1000, MILLION])
def test_scores_are_those_of_the_formula(seed: int, block_entries: int) -> None:
    random = np.random.default_rng(seed)
    orders = [int(number) for number in random.integers(1, 60, size=400)]
    rows = [(order % 7, int(random.integers(1, 15)), 0) for order in orders]
    settings = BasketSettings(minimum_support=2, shrinkage=1.5)
    found, expected = made(rows, orders, settings, block_entries), dense(rows, orders, settings)
    assert expected
    assert found.keys() == expected.keys()
    for pair, (score, support) in expected.items():
        assert found[pair][0] == pytest.approx(score, abs=1e-5)
        assert found[pair][1] == support


def test_without_orders_a_basket_is_a_users_hour() -> None:
    rows = [
        (user, item, day * 24 * HOUR + minute)
        for user in range(4)
        for day, pair in enumerate(((1, 2), (3, 4), (5, 6)))
        for minute, item in enumerate(pair)
    ]
    assert set(made(rows, [], BasketSettings())) == {(1, 2), (2, 1), (3, 4), (4, 3), (5, 6), (6, 5)}


def test_one_users_habit_is_one_user() -> None:
    rows = [(1, item, basket * HOUR) for basket in range(10) for item in (1, 2)]
    rows += [(2, 3, basket * HOUR) for basket in range(50)]
    assert {support for _, support in made(rows, [], BasketSettings()).values()} == {1}


def test_what_is_in_every_basket_goes_with_nothing() -> None:
    rows = [(user, item, 0) for user in range(20) for item in (1, 2 + user % 3)]
    assert made(rows, [], BasketSettings()) == {}


def test_a_wholesalers_basket_is_cut() -> None:
    rows = [(user, item, 0) for user in range(4) for item in range(1, 101)]
    rows += [(user + 10, 200 + user, 0) for user in range(30)]
    pairs = made(rows, [], BasketSettings(largest=5))
    assert {item for pair in pairs for item in pair} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("rows", [[], [(1, 1, 0)], [(1, 1, 0), (1, 1, 0)]])
def test_a_basket_of_one_item_makes_no_pairs(rows: list[tuple[int, int, int]]) -> None:
    assert made(rows, [], BasketSettings(minimum_support=1)) == {}


def test_what_was_not_bought_is_in_no_basket() -> None:
    assert made([(user, item, 0) for user in range(9) for item in (1, 2)], [], BasketSettings(), bought=False) == {}
