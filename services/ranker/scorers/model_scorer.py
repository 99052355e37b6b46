"""Scores by the behavior model."""

import numpy as np

from services.ranker.behavior_model_client import BehaviorModelClient
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.tensors import padded_size, rank_inputs
from services.ranker.model_contract import OUTPUTS, RANK, ModelContract
from services.ranker.model_fault import MISFIT, NOT_FINITE, ModelFault
from services.ranker.prediction_client import Arrays
from services.ranker.scorers.scorer import ScoreQuery, Scores
from vitrine.ranker.v1.ranker_service_pb2 import Scorer


class ModelScorer:
    """Asks the model's signature `rank` for all candidates in one call."""

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
