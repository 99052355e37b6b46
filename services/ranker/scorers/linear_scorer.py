"""Scores by a logistic regression over the candidate features: the answer where the model has none."""

import numpy as np

from services.ranker.inputs.candidate_features import candidate_features
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.linear_weights import LinearWeights
from services.ranker.scorers.scorer import ScoreQuery, Scores
from vitrine.ranker.v1.ranker_service_pb2 import Action, Scorer


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
