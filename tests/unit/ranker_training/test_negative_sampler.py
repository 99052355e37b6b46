import numpy as np
import pytest

from services.ranker.training.fitting.negative_sampler import NegativeSampler
from tests.support.training_shop import training_catalog

ITEMS = training_catalog(100).items


def test_items_come_as_often_as_their_rate_says() -> None:
    past = np.repeat([1, 2], [160, 10])
    sampler = NegativeSampler(ITEMS, past, 20_000, 1)
    drawn = np.bincount(sampler.draw(), minlength=101)
    expected = np.exp(sampler.log_rates[[1, 2, 3]])
    assert drawn[[1, 2, 3]] == pytest.approx(expected, rel=0.2)
    assert expected[0] > 3 * expected[1] > 9 * expected[2]
    assert np.exp(sampler.log_rates[1:101]).sum() == pytest.approx(20_000, rel=1e-4)


def test_without_a_past_all_items_are_alike() -> None:
    sampler = NegativeSampler(ITEMS, np.zeros(0, np.int64), 50, 1)
    assert np.ptp(sampler.log_rates[1:101]) == pytest.approx(0.0, abs=1e-6)
    assert np.isfinite(sampler.log_rates).all()
    assert set(sampler.draw()) <= set(range(1, 101))
