"""Statistics of examples that initialize a model: the features' mean and deviation, and the effect of exposure."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from services.ranker.inputs.exposures import EXPOSURES, NOT_SHOWN
from services.ranker.training.examples.examples import Examples

_AT_ONCE: Final = 64


def real_features(examples: Examples) -> Iterator[NDArray[np.float32]]:
    """Yields the features (n, F) of the candidates that aren't padding, in chunks of examples: all of them are too
    large to copy.
    """
    features, real = examples.inputs["candidate_features"], examples.real
    for begin in range(0, len(examples), _AT_ONCE):
        some = slice(begin, begin + _AT_ONCE)
        yield features[some][real[some]]


def mean_and_deviation(parts: Iterable[NDArray[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns mean and standard deviation of each column over the rows of all parts (n, F), both (F,)."""
    count, sums, squares = 0, np.float64(0), np.float64(0)
    for part in parts:
        rows = part.astype(np.float64)
        count += len(rows)
        sums = sums + rows.sum(axis=0)
        squares = squares + np.einsum("nf,nf->f", rows, rows)
    mean = np.asarray(sums / max(1, count))
    return mean, np.sqrt(np.maximum(squares / max(1, count) - mean**2, 0.0))


_FEW: Final = 20.0
"""Pseudo-count of the average over positions in each position's rate."""


def exposure_odds(examples: Examples, priors: NDArray[Any]) -> NDArray[np.float64]:
    """Returns the log-odds at each exposure minus those of `priors`, (EXPOSURES, actions): 0 without impressions, and
    for actions that don't occur.
    """
    if not examples.exposures.any():
        return np.zeros((EXPOSURES, examples.labels.shape[2]))
    real = examples.real
    exposures, labels = examples.exposures[real], examples.labels[real]
    stood_for = np.bincount(exposures, np.exp(examples.offsets[real], dtype=np.float64), EXPOSURES)
    taken = np.stack([np.bincount(exposures, column, EXPOSURES) for column in labels.T], axis=1)
    stood_for[NOT_SHOWN], taken[NOT_SHOWN] = 0.0, 0.0
    anywhere = (taken.sum(axis=0) + 0.5) / (stood_for.sum() + 1.0)
    rates = (taken + _FEW * anywhere) / (stood_for[:, None] + _FEW)
    odds: NDArray[np.float64] = logit(np.clip(rates, 1e-9, 1.0 - 1e-3)) - logit(priors)
    odds[NOT_SHOWN] = 0.0
    return np.where(labels.any(axis=0), odds, 0.0)
