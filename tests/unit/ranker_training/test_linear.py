from dataclasses import replace

import numpy as np
import pytest

from services.common.progress import NoProgress
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.linear_weights import BIAS
from services.ranker.training.examples.example_builder import ExampleBuilder, ExampleSets
from services.ranker.training.fitting.linear import fit_linear, linear_scores
from services.ranker.training.fitting.ranking_metrics import baseline_scores, ranking_metrics
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.shop.replay import Replay
from tests.support.training_shop import training_shop


@pytest.fixture(scope="module")
def sets() -> ExampleSets:
    shop = training_shop()
    replay = Replay(shop.table, shop.catalog)
    plan = TrainingPlan(training_cuts=4, validation_cuts=1)
    builder = ExampleBuilder(shop.table, replay, shop.catalog.shown_item_nos(), plan, shop.users)
    return builder.build(*builder.moments(), NoProgress())


def test_habits_are_learned_and_rank_better_than_popularity(sets: ExampleSets) -> None:
    weights = fit_linear(sets.training, 100_000, 1)
    assert weights.keys() == {BIAS, *FEATURE_NAMES}
    assert np.isfinite(list(weights.values())).all()
    linear = ranking_metrics(sets.validation, linear_scores(sets.validation, weights))
    popularity = ranking_metrics(sets.validation, baseline_scores(sets.validation, "popularity"))
    assert linear.ndcg > 2 * popularity.ndcg


def test_weights_fit_rows_and_a_part_of_them_alike(sets: ExampleSets) -> None:
    assert fit_linear(sets.training, 500, 1) == fit_linear(sets.training, 500, 1)


def test_labels_of_one_class_give_finite_weights(sets: ExampleSets) -> None:
    without = replace(sets.training, labels=np.zeros_like(sets.training.labels))
    assert np.isfinite(list(fit_linear(without, 100_000, 1).values())).all()
