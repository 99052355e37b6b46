import numpy as np
import pytest

from cli.evaluation.breadth import coverage, diversity, novelty, repeated

CATEGORIES = np.array([[0, 0, 0], [1, 11, 111], [1, 11, 112], [1, 12, 0], [2, 21, 211], [1, 11, 111], [1, 12, 0]])


def items(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(numbers, np.int64)


def test_coverage_counts_each_item_once() -> None:
    assert coverage([items(1, 2), items(2, 3), items()], 6) == 0.5
    assert coverage([], 6) == 0.0
    assert coverage([items()], 0) == 0.0


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ((1, 5), 0.0),  # the same leaf
        ((3, 6), 0.0),  # the same path, which ends early
        ((1, 2), 1 / 3),  # two of three levels in common
        ((1, 3), 2 / 3),
        ((1, 4), 1.0),
        ((0, 0), 1.0),  # nothing is known of either
    ],
)
def test_the_distance_of_two_items_is_the_part_of_the_path_that_differs(pair: tuple[int, int], expected: float) -> None:
    assert diversity(items(*pair), CATEGORIES) == pytest.approx(expected)


def test_diversity_is_the_mean_over_pairs() -> None:
    assert diversity(items(1, 2, 4), CATEGORIES) == pytest.approx((1 / 3 + 1 + 1) / 3)


def test_novelty_is_the_surprise_in_bits() -> None:
    buyers = np.array([0, 8, 2, 0, 100])
    assert novelty(items(1, 2), buyers, 8) == pytest.approx((0 + 2) / 2)
    assert novelty(items(3), buyers, 8) == pytest.approx(3.0)  # as if one had
    assert novelty(items(4), buyers, 8) == 0.0  # more buyers than users: counted at different times


def test_repeated_is_the_share_bought_before() -> None:
    assert repeated(items(1, 2, 3, 4), np.array([2, 4, 9])) == 0.5


def test_lists_too_short_to_say_have_no_value() -> None:
    assert np.isnan(
        [diversity(items(1), CATEGORIES), novelty(items(), np.ones(9, np.int64), 5), repeated(items(), items(1))]
    ).all()
    assert np.isnan(novelty(items(1), np.ones(9, np.int64), 0))
