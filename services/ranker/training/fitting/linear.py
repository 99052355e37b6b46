"""The linear scorer: a logistic regression over the candidate features, as weights by name."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from services.common.numeric import standard_scales
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.linear_weights import BIAS
from services.ranker.training.examples.examples import Examples
from services.ranker.training.fitting.example_statistics import mean_and_deviation

PENALTY: Final = 1e-5
"""L2 penalty on the standardized weights, against the mean cross-entropy."""

MAXIMUM_STEPS: Final = 100


def fit_linear(examples: Examples, maximum_rows: int, seed: int) -> dict[str, float]:
    """Returns {feature: weight, "bias": …}; the standardization is folded in.

    The label is a purchase or, if the data has none, a click. Negative sampling is corrected by offsets on the logit
    (see CandidateDraw), which off-the-shelf regressions lack: they have row weights, and a few rows that represent
    thousands each would dominate the others.
    """
    real = np.flatnonzero(examples.real.ravel())
    if len(real) > maximum_rows:
        real = np.random.default_rng(seed).choice(real, maximum_rows, replace=False)
    features = examples.inputs["candidate_features"].reshape(-1, len(FEATURE_NAMES))[real]
    labels = target_labels(examples.labels).ravel()[real]
    offsets = examples.offsets.ravel()[real]
    means, deviations = mean_and_deviation([features])
    scales = standard_scales(deviations)
    standard = ((features - means) * scales).astype(np.float32)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = parameters[1:].astype(np.float32)
        logits = (standard @ weights + np.float32(parameters[0]) + offsets).astype(np.float64)
        misses = (expit(logits) - labels) / len(labels)
        value = float(np.mean(np.logaddexp(0.0, logits) - labels * logits)) + PENALTY * float(weights @ weights)
        slope = misses.astype(np.float32) @ standard + 2 * PENALTY * weights
        return value, np.concatenate([[misses.sum()], slope])

    start = np.zeros(1 + len(FEATURE_NAMES))
    start[0] = np.log((labels.sum() + 0.5) / (np.exp(offsets, dtype=np.float64).sum() + 1.0))
    fitted = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": MAXIMUM_STEPS}).x
    coefficients = fitted[1:] * scales
    bias = float(fitted[0] - coefficients @ means)
    return {BIAS: bias, **dict(zip(FEATURE_NAMES, coefficients.tolist(), strict=True))}


def linear_scores(examples: Examples, weights: dict[str, float]) -> NDArray[Any]:
    """Returns the logits of a linear scorer, (E, N)."""
    coefficients = np.array([weights[name] for name in FEATURE_NAMES], np.float32)
    scores: NDArray[Any] = examples.inputs["candidate_features"] @ coefficients + weights[BIAS]
    return scores


def target_labels(labels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns purchases or, if the data has none, clicks; shape (E, N)."""
    purchases, clicks = labels[..., 3], labels[..., 0]
    return purchases if purchases.any() else clicks
