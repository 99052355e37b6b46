"""What a scorer is asked, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.user_columns import UserColumns
from vitrine.ranker.v1.ranker_service_pb2 import Action, Scorer

Probabilities = Mapping["Action.ValueType", NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class ScoreQuery:
    """For whom, and which candidates (uint32[n], n from 1, repeats allowed); the answer may take `seconds`."""

    user: UserColumns
    item_nos: NDArray[np.uint32]
    query_millis: int
    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Scores:
    """A column of n probabilities for each action that the scorer predicts; some may be NaN."""

    scorer: "Scorer.ValueType"
    probabilities: Probabilities
    model_version: str = ""


class CandidateScorer(Protocol):
    """Gives the action probabilities of each candidate; a candidate's score does not depend on its neighbors."""

    async def score(self, query: ScoreQuery) -> Scores:
        """Returns the scores in the candidates' order; raises ModelFault where it cannot."""
        ...
