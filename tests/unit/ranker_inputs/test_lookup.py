import numpy as np
import pytest

from services.ranker.inputs.lookup import Totals, places, values_at

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
