import numpy as np
import pytest

from services.common.numeric import count_non_finite, descending_order, finite_or

ODD = np.array([1.0, np.nan, -np.inf, 2.0, np.inf], dtype=np.float32)


def test_what_is_not_finite_is_replaced() -> None:
    clean = finite_or(ODD, 0.5)
    assert clean.tolist() == [1.0, 0.5, 0.5, 2.0, 0.5]
    assert clean.dtype == np.float32
    assert count_non_finite(ODD) == 3


def test_what_is_finite_is_not_copied() -> None:
    values = np.array([1.0, 2.0])
    assert finite_or(values, 0.0) is values
    assert count_non_finite(values) == 0


def test_what_is_not_finite_sorts_last_and_equals_keep_their_order() -> None:
    assert descending_order(ODD).tolist()[:2] == [3, 0]
    assert descending_order(np.array([1.0, 3.0, 1.0, 3.0])).tolist() == [1, 3, 0, 2]
    assert descending_order(np.array([np.nan, np.inf, -1e30])).tolist() == [2, 0, 1]


@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_nothing_is_fine(shape: tuple[int, ...]) -> None:
    assert finite_or(np.zeros(shape), 1.0).shape == shape
    assert count_non_finite(np.zeros(shape)) == 0
