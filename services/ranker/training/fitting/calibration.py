"""Makes the model's probabilities true: dropout and the choice of epochs leave them in the right order, not right."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from services.ranker.training.examples.examples import Examples
from services.ranker.training.examples.next_visit import ACTIONS

LEAST_POSITIVES: Final = 50
"""Below it the slope and shift of an action stay as they are."""

BINS: Final = 15

_SMALLEST: Final = 1e-9


def fit_calibration(
    examples: Examples, probabilities: NDArray[Any], among: slice = slice(None)
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns slope and shift of each action's logit, both (actions,), from the examples `among` all.

    Platt, "Probabilistic Outputs for Support Vector Machines" (1999): the two numbers of least cross-entropy. Slopes
    are above 0, so the order stays.
    """
    real = examples.real[among]
    slopes, shifts = np.ones(len(ACTIONS), np.float32), np.zeros(len(ACTIONS), np.float32)
    for action in range(len(ACTIONS)):
        labels = examples.labels[among][real][:, action].astype(np.float64)
        if labels.sum() >= LEAST_POSITIVES:
            given = probabilities[among][real][:, action].astype(np.float64)
            slopes[action], shifts[action] = _platt(_logit(given), labels)
    return slopes, shifts


def cross_calibrated(examples: Examples, probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """Returns the probabilities (E, N, actions) of each half of the examples, calibrated on the other (cross-fitting).

    No example is judged by a calibration fitted on it, and all are used: two halves of a few hundred visits differ more
    in purchases than the model is wrong.
    """
    calibrated = np.empty(probabilities.shape)
    halves = slice(0, None, 2), slice(1, None, 2)
    for half, other in (halves, halves[::-1]):
        slopes, shifts = fit_calibration(examples, probabilities, other)
        calibrated[half] = expit(slopes * _logit(probabilities[half].astype(np.float64)) + shifts)
    return calibrated


def calibration(examples: Examples, probabilities: NDArray[Any]) -> dict[str, float]:
    """Returns expected over observed counts of each action that occurs.

    `probabilities` are (E, N, actions); 1 is ideal.
    """
    real = examples.real
    expected = probabilities[real].sum(axis=0, dtype=np.float64)
    observed = examples.labels[real].sum(axis=0, dtype=np.float64)
    return {
        action: round(float(expected[place] / observed[place]), 4)
        for place, action in enumerate(ACTIONS)
        if observed[place]
    }


def calibration_error(examples: Examples, probabilities: NDArray[Any]) -> dict[str, float]:
    """Returns the expected calibration error of each action that occurs.

    Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (2015): the mean distance between
    expected and observed rates over BINS bins of equal size, 0 to 1. Most candidates are unlikely, so their errors are
    small: compare it with the rate of the action.
    """
    real = examples.real
    given, happened = probabilities[real], examples.labels[real]
    return {
        action: round(_binned_error(given[:, place], happened[:, place]), 6)
        for place, action in enumerate(ACTIONS)
        if happened[:, place].any()
    }


def _binned_error(given: NDArray[Any], happened: NDArray[Any]) -> float:
    order = np.argsort(given, kind="stable")
    misses = (given.astype(np.float64) - happened)[order]
    return sum(abs(float(part.sum())) for part in np.array_split(misses, BINS)) / len(misses)


def _logit(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    logits: NDArray[np.float64] = logit(np.clip(probabilities, _SMALLEST, 1 - _SMALLEST))
    return logits


def _platt(logits: NDArray[np.float64], labels: NDArray[np.float64]) -> tuple[float, float]:
    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shifted = parameters[0] * logits + parameters[1]
        misses = expit(shifted) - labels
        value = float(np.mean(np.logaddexp(0.0, shifted) - labels * shifted))
        return value, np.array([np.mean(misses * logits), np.mean(misses)])

    fitted = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.2, 5.0), (-10.0, 10.0)]).x
    return float(fitted[0]), float(fitted[1])
