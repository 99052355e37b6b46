"""How good a ranking of candidates is against what the users did: means over users."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.training.examples import Examples

TOP: Final = 10


@dataclass(frozen=True, slots=True)
class RankingMetrics:
    """Normalised discounted cumulative gain with binary gains (Järvelin and Kekäläinen, 2002), and recall, at 10.

    What a user did beyond the candidates counts as missed.
    """

    ndcg: float
    recall: float


def ranking_metrics(examples: Examples, scores: NDArray[Any]) -> RankingMetrics:
    """Returns the metrics of scores (E, N). Equal scores stand as they come; scores that are not finite come last."""
    scores = np.where(examples.real & np.isfinite(scores), scores, -np.inf)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
    hits = np.take_along_axis(examples.labels.max(axis=2), best, axis=1) > 0
    wanted = np.array([len(visit.item_nos) for visit in examples.visits])
    discounts = 1.0 / np.log2(np.arange(2, TOP + 2))
    ideal = np.cumsum(discounts)[np.minimum(wanted, TOP) - 1]
    gains = (hits * discounts[: hits.shape[1]]).sum(axis=1)
    return RankingMetrics(float((gains / ideal).mean()), float((hits.sum(axis=1) / wanted).mean()))
