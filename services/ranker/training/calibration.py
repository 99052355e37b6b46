"""Makes the model's probabilities true: dropout and the choice of epochs leave them in the right order, not right."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from services.ranker.training.examples import Examples
from services.ranker.training.next_visit import ACTIONS

LEAST_POSITIVES: Final = 50
"""Below it the slope and shift of an action stay as they are."""

BINS: Final = 15

_SMALLEST: Final = 1e-9


def fit_calibration(examples: Examples, probabilities: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns slope and shift of each action's logit, both (actions,), from every other example.

    Platt, "Probabilistic Outputs for Support Vector Machines" (1999): the two numbers of least cross-entropy. Slopes
    are above 0: the order stays.
    """
    half = slice(0, None, 2)
    real = examples.real[half]
    slopes, shifts = np.ones(len(ACTIONS), np.float32), np.zeros(len(ACTIONS), np.float32)
    for action in range(len(ACTIONS)):
        labels = examples.labels[half][real][:, action].astype(np.float64)
        if labels.sum() >= LEAST_POSITIVES:
            given = probabilities[half][real][:, action].astype(np.float64)
            slopes[action], shifts[action] = _platt(logit(np.clip(given, _SMALLEST, 1 - _SMALLEST)), labels)
    return slopes, shifts


def calibration(examples: Examples, probabilities: NDArray[Any]) -> dict[str, float]:
    """Returns expected over observed counts of each action that occurs in the examples that nothing was fitted on.

    `probabilities` are (E, N, actions); 1 is right.
    """
    other = slice(1, None, 2)
    real = examples.real[other]
    expected = probabilities[other][real].sum(axis=0, dtype=np.float64)
    observed = examples.labels[other][real].sum(axis=0, dtype=np.float64)
    return {
        action: round(float(expected[place] / observed[place]), 4)
        for place, action in enumerate(ACTIONS)
        if observed[place]
    }


def calibration_error(examples: Examples, probabilities: NDArray[Any]) -> dict[str, float]:
    """Returns the expected calibration error of each action that occurs in the examples that nothing was fitted on.

    Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (2015): the mean distance between
    what was expected and what happened over BINS bins of one size, 0 to 1. Most candidates are unlikely, and so are
    their errors small: read it beside how often the action happens.
    """
    other = slice(1, None, 2)
    real = examples.real[other]
    given, happened = probabilities[other][real], examples.labels[other][real]
    return {
        action: round(_binned_error(given[:, place], happened[:, place]), 6)
        for place, action in enumerate(ACTIONS)
        if happened[:, place].any()
    }


def _binned_error(given: NDArray[Any], happened: NDArray[Any]) -> float:
    order = np.argsort(given, kind="stable")
    misses = (given.astype(np.float64) - happened)[order]
    return sum(abs(float(part.sum())) for part in np.array_split(misses, BINS)) / len(misses)


def _platt(logits: NDArray[np.float64], labels: NDArray[np.float64]) -> tuple[float, float]:
    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shifted = parameters[0] * logits + parameters[1]
        misses = expit(shifted) - labels
        value = float(np.mean(np.logaddexp(0.0, shifted) - labels * shifted))
        return value, np.array([np.mean(misses * logits), np.mean(misses)])

    fitted = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.2, 5.0), (-10.0, 10.0)]).x
    return float(fitted[0]), float(fitted[1])
