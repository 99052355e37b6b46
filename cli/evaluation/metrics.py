from collections.abc import Collection, Sequence
from math import log2

import numpy as np


def recall_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Share of the relevant items that are among the first `k`, 0 to 1. `relevant` is not empty."""
    return len(set(ranked[:k]) & set(relevant)) / len(set(relevant))


def ndcg_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Normalised discounted cumulative gain of the first `k` with gains of 0 and 1 (Järvelin and Kekäläinen 2002): a
    hit at place i, from 1, gains 1 / log2(i + 1); the sum is divided by that of the best possible order. 0 to 1.
    `relevant` is not empty.
    """
    wanted = set(relevant)
    gain = sum(1 / log2(place + 2) for place, item in enumerate(ranked[:k]) if item in wanted)
    best = sum(1 / log2(place + 2) for place in range(min(k, len(wanted))))
    return gain / best


def confidence_interval(values: Sequence[float], *, seed: int = 0, resamples: int = 1000) -> tuple[float, float]:
    """The 95 % interval of a mean over users, by bootstrap percentiles (Efron 1979), seeded."""
    sample = np.asarray(values, dtype=np.float64)
    picks = np.random.default_rng(seed).integers(0, len(sample), (resamples, len(sample)))
    low, high = np.percentile(sample[picks].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)
