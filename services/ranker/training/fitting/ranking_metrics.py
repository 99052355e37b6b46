"""Metrics of a ranking of candidates, averaged over users; and the baselines to beat."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.training.examples.examples import Examples

TOP: Final = 10


@dataclass(frozen=True, slots=True)
class RankingMetrics:
    """Normalized discounted cumulative gain with binary gains (Järvelin and Kekäläinen, 2002), and recall, at 10.

    A visit's items that aren't candidates count as missed.
    """

    ndcg: float
    recall: float


def ranking_metrics(examples: Examples, scores: NDArray[Any]) -> RankingMetrics:
    """Returns the metrics of scores (E, N). Ties keep the candidates' order; scores that aren't finite come last."""
    hits, wanted = _hits(examples, scores)
    return RankingMetrics(float(_ndcg(hits, wanted).mean()), float((hits.sum(axis=1) / wanted).mean()))


def ndcg_by_user(examples: Examples, scores: NDArray[Any]) -> NDArray[np.float64]:
    """Returns the NDCG@10 of each example, (E,), of which `ranking_metrics` gives the mean."""
    return _ndcg(*_hits(examples, scores))


def _hits(examples: Examples, scores: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Returns which of each example's TOP places hit, (E, at most TOP), and how many items were to be found."""
    scores = np.where(examples.real & np.isfinite(scores), scores, -np.inf)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
    hits = np.take_along_axis(examples.labels.max(axis=2), best, axis=1) > 0
    return hits, np.array([len(visit.item_nos) for visit in examples.visits])


def _ndcg(hits: NDArray[np.bool_], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    discounts = 1.0 / np.log2(np.arange(2, TOP + 2))
    ideal = np.cumsum(discounts)[np.minimum(wanted, TOP) - 1]
    gains: NDArray[np.float64] = (hits * discounts[: hits.shape[1]]).sum(axis=1) / ideal
    return gains


_POPULARITY: Final = "popularity_30d_log"
_ABOVE_ALL: Final = 1e3

BASELINES: Final = {
    "popularity": _POPULARITY,
    "personal_frequency": "purchases_log",
    "decayed_frequency": "purchases_decayed_60d_log",
}
"""Each is the order by one feature; equal ones by popularity."""


def baseline_scores(examples: Examples, name: str) -> NDArray[np.float64]:
    """Returns the scores of a baseline, (E, N)."""
    features = examples.inputs["candidate_features"].astype(np.float64)
    popularity = features[..., FEATURE_NAMES.index(_POPULARITY)]
    return features[..., FEATURE_NAMES.index(BASELINES[name])] * _ABOVE_ALL + popularity
