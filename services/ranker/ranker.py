"""Scores candidates by the model, or by the linear scorer if the model can't; computes the candidates' values."""

from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from services.ranker.model_fault import ASKED, ModelFault
from services.ranker.scorers import CandidateScorer, ScoreQuery, Scores
from services.ranker.value import ValueModel

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Scores and values (float32[n], finite) in the candidates' order."""

    scores: Scores
    values: NDArray[np.float32]
    non_finite_count: int
    fallback_reason: str = ""


class Ranker:
    """Falls back from the model to the linear scorer, so it always has an answer."""

    def __init__(self, model: CandidateScorer, linear: CandidateScorer, value: ValueModel) -> None:
        self._model = model
        self._linear = linear
        self._value = value

    async def rank(self, query: ScoreQuery, *, linear_only: bool = False) -> Ranking:
        """Returns the ranking within `query.seconds` plus the time of the linear scorer."""
        fallback_reason = ASKED if linear_only else ""
        if not linear_only:
            try:
                return self._valued(query, await self._model.score(query))
            except ModelFault as fault:
                _log.debug("model_fault", reason=fault.reason, message=fault.message)
                fallback_reason = fault.reason
        return self._valued(query, await self._linear.score(query), fallback_reason)

    def _valued(self, query: ScoreQuery, scores: Scores, fallback_reason: str = "") -> Ranking:
        values, non_finite_count = self._value.values(query.item_nos, scores.probabilities)
        return Ranking(scores, values, non_finite_count, fallback_reason)
