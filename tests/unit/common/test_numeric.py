import numpy as np
import pytest

from services.common.numeric import finite_or, standard_scales

ODD = np.array([1.0, np.nan, -np.inf, 2.0, np.inf], dtype=np.float32)


def test_what_is_not_finite_is_replaced() -> None:
    clean = finite_or(ODD, 0.5)
    assert clean.tolist() == [1.0, 0.5, 0.5, 2.0, 0.5]
    assert clean.dtype == np.float32


def test_what_is_finite_is_not_copied() -> None:
    values = np.array([1.0, 2.0])
    assert finite_or(values, 0.0) is values


@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_nothing_is_fine(shape: tuple[int, ...]) -> None:
    assert finite_or(np.zeros(shape), 1.0).shape == shape


def test_a_feature_that_never_varied_has_no_scale() -> None:
    assert standard_scales(np.array([2.0, 0.0, 1e-9])).tolist() == [0.5, 0.0, 0.0]
