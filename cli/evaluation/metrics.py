"""How good a ranking is for one user: what stands among its first `k` against what the user then took up.

`relevant` is not empty; an item that stands twice counts once. All answers are from 0 to 1. Definitions: Manning,
Raghavan and Schütze, Introduction to Information Retrieval (2008), chapter 8; NDCG: Järvelin and Kekäläinen (2002).
"""

from collections.abc import Collection, Hashable, Sequence
from math import log2


def precision_at(k: int, ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
    """Share of `k` places that hold a relevant item; places that the ranking leaves empty hold none."""
    return len(set(ranked[:k]) & set(relevant)) / k


def recall_at(k: int, ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
    """Share of the relevant items that are among the first `k`."""
    return len(set(ranked[:k]) & set(relevant)) / len(set(relevant))


def f1_at(k: int, ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
    """Harmonic mean of precision and recall; 0 where both are (van Rijsbergen 1979)."""
    precision, recall = precision_at(k, ranked, relevant), recall_at(k, ranked, relevant)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def hit_at(k: int, ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
    """1 where any relevant item is among the first `k`, else 0; its mean over users is the hit rate."""
    return float(not set(relevant).isdisjoint(ranked[:k]))


def reciprocal_rank_at(k: int, ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
    """1 / place of the first relevant item, 0 where none is among the first `k`; its mean over users is MRR (Voorhees
    1999).
    """
    wanted = set(relevant)
    return next((1 / place for place, item in enumerate(ranked[:k], start=1) if item in wanted), 0.0)


def average_precision_at(k: int, ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
    """Mean of the precisions at the places of the hits, a relevant item that is missing giving 0, over the `k` or fewer
    hits that can be; its mean over users is MAP.
    """
    wanted = set(relevant)
    best = min(k, len(wanted))
    total, hits = 0.0, 0
    for place, item in enumerate(ranked[:k], start=1):
        if item in wanted:
            wanted.discard(item)
            hits += 1
            total += hits / place
    return total / best


def ndcg_at(k: int, ranked: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
    """Normalized discounted cumulative gain with gains of 0 and 1: a hit at place i, from 1, gains 1 / log2(i + 1); the
    sum is divided by that of the best possible order.
    """
    wanted = set(relevant)
    best = sum(1 / log2(place + 2) for place in range(min(k, len(wanted))))
    gain = 0.0
    for place, item in enumerate(ranked[:k]):
        if item in wanted:
            wanted.discard(item)
            gain += 1 / log2(place + 2)
    return gain / best
