import dataclasses

import numpy as np
import pytest

from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.fitting.perceptron import Perceptron
from services.ranker.training.fitting.ranking_metrics import baseline_scores, ranking_metrics


def test_it_learns_what_popularity_does_not_know(sets: ExampleSets) -> None:
    scores = Perceptron(sets.training, seed=3, batch_size=2).scores(sets.validation)
    assert scores.shape == sets.validation.labels.shape[:2]
    popularity = ranking_metrics(sets.validation, baseline_scores(sets.validation, "popularity"))
    assert ranking_metrics(sets.validation, scores).ndcg > popularity.ndcg


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_of_one_class_give_finite_scores(sets: ExampleSets, label: float) -> None:
    alike = dataclasses.replace(sets.training, labels=np.full_like(sets.training.labels, label))
    assert np.isfinite(Perceptron(alike, seed=3, batch_size=8).scores(sets.validation)).all()
