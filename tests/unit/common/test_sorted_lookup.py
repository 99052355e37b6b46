import numpy as np
import pytest

from services.common.sorted_lookup import Totals, contained, distinct, grouped, places, values_at, values_of

KEYS = np.array([7, 0, 3, 7, 3, 7], np.int32)
WEIGHTS = np.array([[1.0, 100.0, 2.0, 4.0, 8.0, 16.0], [-1.0, 100.0, -2.0, -4.0, -8.0, -16.0]])


class TestTotals:
    def test_rows_are_summed_by_key_and_key_0_is_none(self) -> None:
        totals = Totals(KEYS)
        assert totals.keys.tolist() == [3, 7]
        assert totals.counts.tolist() == [2, 3]
        assert totals.sums(WEIGHTS[0]).tolist() == [10, 21]
        assert totals.greatest(WEIGHTS[0]).tolist() == [8, 16]

    def test_several_weights_are_summed_at_once_as_one_by_one(self) -> None:
        totals = Totals(KEYS)
        assert totals.sums(WEIGHTS).tolist() == [[10, 21], [-10, -21]]
        assert totals.greatest(WEIGHTS).tolist() == [[8, 16], [-2, -1]]

    @pytest.mark.parametrize("keys", [[], [0, 0]], ids=["no rows", "rows of none"])
    def test_without_keys_there_is_nothing(self, keys: list[int]) -> None:
        totals = Totals(np.array(keys, np.int64))
        assert totals.keys.tolist() == totals.counts.tolist() == []
        assert totals.sums(np.ones(len(keys))).shape == (0,)
        assert totals.sums(np.ones((4, len(keys)))).shape == totals.greatest(np.ones((4, len(keys)))).shape == (4, 0)


def test_values_are_looked_up_in_several_columns_at_once() -> None:
    place, present = places(np.array([3, 7]), np.array([7, 5, 3, 9]))
    assert values_at(np.array([[1, 2], [3, 4]]), place, present, -1.0).tolist() == [[2, -1, 1, -1], [4, -1, 3, -1]]
    assert values_at(np.array([1, 2]), place, present).tolist() == [2, 0, 1, 0]


def test_no_columns_have_the_default_everywhere() -> None:
    place, present = places(np.zeros(0, np.int64), np.array([7, 5]))
    assert values_at(np.zeros((3, 0)), place, present, 2.0).tolist() == [[2, 2]] * 3
    assert values_at(np.zeros(0), place, present).tolist() == [0, 0]


def test_numbers_are_found_or_not() -> None:
    ascending = np.array([3, 7, 9])
    assert contained(np.array([[9, 1], [3, 10]]), ascending).tolist() == [[True, False], [True, False]]
    assert values_of(np.array([[9, 1], [3, 10]]), ascending, np.array([0.3, 0.7, 0.9])).tolist() == [[0.9, 0], [0.3, 0]]


def test_nothing_is_found_in_empty_columns() -> None:
    empty = np.zeros(0, np.int64)
    assert contained(np.array([[9, 1]]), empty).tolist() == [[False, False]]
    assert values_of(np.array([[9, 1]]), empty, np.zeros(0)).tolist() == [[0, 0]]


def test_equal_numbers_are_grouped_in_the_order_given() -> None:
    numbers = np.array([7, 3, 7, 9, 3], np.uint32)
    assert distinct(numbers).tolist() == [3, 7, 9]
    ascending, order, starts = grouped(numbers)
    assert (ascending.tolist(), order.tolist(), starts.tolist()) == ([3, 7, 9], [1, 4, 0, 2, 3], [0, 2, 4])
