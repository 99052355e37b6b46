import numpy as np
import pytest

from services.ranker.training.examples.examples import Examples
from services.ranker.training.examples.next_visit import Visit
from services.ranker.training.fitting.calibration import (
    calibration,
    calibration_error,
    cross_calibrated,
    fit_calibration,
)


def examples_of(rates: np.ndarray) -> Examples:
    """Examples whose every action happens at the given rate of its candidate, (E, N)."""
    labels = (np.random.default_rng(3).random((*rates.shape, 1)) < rates[..., None]).astype(np.float32)
    visits = [Visit(np.array([1]), np.ones((1, 4), np.float32))] * len(rates)
    item_nos = np.ones(rates.shape, np.int32)
    return Examples(
        {"candidate_item_nos": item_nos},
        labels.repeat(4, axis=2),
        np.zeros(rates.shape, np.float32),
        np.zeros(rates.shape, np.uint8),
        visits,
    )


def test_probabilities_that_are_half_of_what_happens_are_put_right() -> None:
    rates = np.random.default_rng(1).uniform(0.02, 0.4, (200, 50))
    examples, given = examples_of(rates), (rates / 2)[..., None].repeat(4, axis=2)
    assert calibration(examples, given)["purchase"] == pytest.approx(0.5, rel=0.1)
    slopes, shifts = fit_calibration(examples, given)
    right = 1 / (1 + np.exp(-(slopes * np.log(given / (1 - given)) + shifts)))
    assert calibration(examples, right)["purchase"] == pytest.approx(1.0, rel=0.1)
    assert np.all(slopes > 0)


def test_no_half_is_judged_by_what_it_was_fitted_on() -> None:
    rates = np.random.default_rng(1).uniform(0.02, 0.4, (200, 50))
    examples, given = examples_of(rates), (rates / 2)[..., None].repeat(4, axis=2)
    crossed = cross_calibrated(examples, given)
    assert calibration(examples, crossed)["purchase"] == pytest.approx(1.0, rel=0.02)
    odd = slice(1, None, 2)
    slopes, shifts = fit_calibration(examples, given, odd)
    by_odd = 1 / (1 + np.exp(-(slopes * np.log(given / (1 - given)) + shifts)))
    assert np.allclose(crossed[::2], by_odd[::2])
    examples.labels[odd] = 0.0  # what the odd ones did decides about the even ones alone
    assert np.allclose(cross_calibrated(examples, given)[1::2], crossed[1::2])
    assert not np.allclose(cross_calibrated(examples, given)[::2], crossed[::2])


def test_an_action_with_few_examples_stays_as_it_is() -> None:
    examples = examples_of(np.full((10, 10), 0.01))
    slopes, shifts = fit_calibration(examples, np.full((10, 10, 4), 0.3))
    assert slopes.tolist() == [1.0] * 4
    assert shifts.tolist() == [0.0] * 4


def test_calibration_is_expected_over_observed_among_real_candidates() -> None:
    examples = examples_of(np.ones((2, 3)))
    examples.inputs["candidate_item_nos"][:, 2] = 0
    assert calibration(examples, np.full((2, 3, 4), 0.5))["purchase"] == pytest.approx(0.5)


def test_the_calibration_error_is_the_distance_by_bins() -> None:
    rates = np.random.default_rng(1).uniform(0.0, 1.0, (400, 50))
    examples, right = examples_of(rates), rates[..., None].repeat(4, axis=2)
    assert calibration_error(examples, right)["purchase"] < 0.02
    assert calibration_error(examples, right / 2)["purchase"] == pytest.approx(0.25, abs=0.02)
    # Right on the average, wrong everywhere: expected over observed does not see it.
    level = np.full_like(right, rates.mean())
    assert calibration(examples, 1 - right)["purchase"] == pytest.approx(1.0, abs=0.05)
    assert calibration_error(examples, 1 - right)["purchase"] > 0.4
    assert calibration_error(examples, level)["purchase"] < 0.05


def test_an_action_that_never_happened_has_no_calibration_error() -> None:
    assert calibration_error(examples_of(np.zeros((4, 3))), np.full((4, 3, 4), 0.1)) == {}
