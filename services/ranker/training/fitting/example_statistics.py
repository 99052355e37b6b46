"""What examples say before anything is learned: where their features lie, and how much what was shown is taken."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from services.ranker.inputs.exposures import EXPOSURES, NOT_SHOWN
from services.ranker.training.examples.examples import Examples

_AT_ONCE: Final = 64


def real_features(examples: Examples) -> Iterator[NDArray[np.float32]]:
    """Yields the features (n, F) of the candidates that are no padding, those of some examples at a time: of all
    together they are too many to be copied.
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
"""As many candidates shown anywhere count for each place beside its own."""


def exposure_odds(examples: Examples, priors: NDArray[Any]) -> NDArray[np.float64]:
    """Returns by how much the log-odds of what was shown at each place are above those of `priors`, (EXPOSURES,
    actions): 0 where nothing was shown, and for actions that do not occur.
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
