"""How far chance goes: percentile bootstrap over users (Efron 1979), seeded, so that it says the same again."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 1000
LEVEL = (2.5, 97.5)
MOST_KEPT = 2_000
"""Up to so many users the resamples are kept, for the next metric."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over users with its 95 % interval. NaN where there is no user."""

    mean: float
    low: float
    high: float


def estimate(values: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """The mean of `values`, shape (users,), and its interval. Users without a value (NaN) are left out."""
    sample = np.asarray(values, dtype=np.float64)
    sample = sample[~np.isnan(sample)]
    if not len(sample):
        return Estimate(np.nan, np.nan, np.nan)
    low, high = np.percentile(_means(sample, seed, resamples), LEVEL)
    return Estimate(float(sample.mean()), float(low), float(high))


def difference(ours: ArrayLike, theirs: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """The mean difference of two rankings of the same users, element by element: paired, since users differ more from
    each other than rankings do. An interval without 0 is more than chance.
    """
    return estimate(np.asarray(ours, np.float64) - np.asarray(theirs, np.float64), seed=seed, resamples=resamples)


def _means(sample: NDArray[np.float64], seed: int, resamples: int) -> NDArray[np.float64]:
    if len(sample) <= MOST_KEPT:
        means: NDArray[np.float64] = _counts(len(sample), seed, resamples) @ sample / len(sample)
        return means
    random = np.random.default_rng(seed)
    return np.array([sample[random.integers(0, len(sample), len(sample))].mean() for _ in range(resamples)])


@lru_cache(maxsize=16)
def _counts(size: int, seed: int, resamples: int) -> NDArray[np.float32]:
    """How often each resample takes each element, (resamples, size): the same for every metric of the same users."""
    picks = np.random.default_rng(seed).integers(0, size, (resamples, size))
    places = picks + size * np.arange(resamples)[:, None]
    return np.bincount(places.ravel(), minlength=size * resamples).reshape(resamples, size).astype(np.float32)
