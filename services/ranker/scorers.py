"""The scorers: the behavior model, and the linear scorer that it falls back to; their query and answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.ranker.behavior_model_client import BehaviorModelClient
from services.ranker.inputs.candidate_features import candidate_features
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.tensors import padded_size, rank_inputs
from services.ranker.inputs.user_columns import UserColumns
from services.ranker.linear_weights import LinearWeights
from services.ranker.model_contract import OUTPUTS, RANK, ModelContract
from services.ranker.model_fault import MISFIT, NOT_FINITE, ModelFault
from services.ranker.prediction_client import Arrays
from vitrine.ranker.v1.ranker_service_pb2 import Action, Scorer

Probabilities = Mapping["Action.ValueType", NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class ScoreQuery:
    """A user and the candidates to score (uint32[n], n from 1, repeats allowed), within `seconds`."""

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
    """Gives the action probabilities of each candidate; a candidate's score doesn't depend on the others."""

    async def score(self, query: ScoreQuery) -> Scores:
        """Returns the scores in the candidates' order; raises ModelFault if it can't."""
        ...


class ModelScorer:
    """Calls the model's signature `rank` once for all candidates."""

    def __init__(self, model: BehaviorModelClient, items: ItemColumns) -> None:
        self._model = model
        self._items = items

    async def score(self, query: ScoreQuery) -> Scores:
        count = len(query.item_nos)
        padded = padded_size(count)

        def inputs(contract: ModelContract) -> Arrays:
            return rank_inputs(
                query.user, self._items, query.item_nos, query.query_millis, contract.history_length, padded
            )

        answer = await self._model.ask(query.model, RANK, inputs, query.seconds)
        probabilities = {}
        for name, action in OUTPUTS.items():
            column = answer.outputs.get(name)
            if column is None or column.shape != (1, padded) or column.dtype != np.float32:
                told = "is missing" if column is None else f"is {column.dtype} of shape {column.shape}"
                raise ModelFault(MISFIT, f"output {name} {told}; float32 of shape {(1, padded)} was expected")
            probabilities[action] = np.clip(column[0, :count], 0.0, 1.0)  # NaN stays NaN
        if not np.isfinite(sum(probabilities.values())).any():
            raise ModelFault(NOT_FINITE, "no candidate has finite probabilities")
        return Scores(Scorer.SCORER_MODEL, probabilities, answer.version)


class LinearScorer:
    """The probability of a purchase is 1 / (1 + exp(-(bias + weights · features)))."""

    def __init__(self, weights: LinearWeights, items: ItemColumns) -> None:
        self._weights = weights
        self._items = items

    async def score(self, query: ScoreQuery) -> Scores:
        features = candidate_features(query.user, self._items, query.item_nos, query.query_millis)
        weights = self._weights.present
        logits = np.clip(features @ weights.coefficients + weights.bias, -30.0, 30.0)
        purchase = (1.0 / (1.0 + np.exp(-logits))).astype(np.float32)
        return Scores(Scorer.SCORER_LINEAR, {Action.ACTION_PURCHASE: purchase})
