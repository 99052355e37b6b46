"""Where the candidates' features lie: a network learns from features of one scale."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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
