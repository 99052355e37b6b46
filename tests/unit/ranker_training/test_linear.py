import numpy as np

from services.common.progress import NoProgress
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.linear_weights import BIAS
from services.ranker.training.examples.example_builder import ExampleBuilder, ExampleSets
from services.ranker.training.fitting.baselines import baseline_scores
from services.ranker.training.fitting.linear import fit_linear, linear_scores
from services.ranker.training.fitting.ranking_metrics import ranking_metrics
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.shop.replay import Replay
from tests.support.training_shop import training_shop


def example_sets() -> ExampleSets:
    shop = training_shop()
    replay = Replay(shop.table, shop.catalog)
    plan = TrainingPlan(training_cuts=4, validation_cuts=1)
    builder = ExampleBuilder(shop.table, replay, shop.catalog.shown_item_nos(), plan, shop.users)
    return builder.build(*builder.moments(), NoProgress())


def test_habits_are_learned_and_rank_better_than_popularity() -> None:
    sets = example_sets()
    weights = fit_linear(sets.training, 100_000, 1)
    assert weights.keys() == {BIAS, *FEATURE_NAMES}
    assert np.isfinite(list(weights.values())).all()
    linear = ranking_metrics(sets.validation, linear_scores(sets.validation, weights))
    popularity = ranking_metrics(sets.validation, baseline_scores(sets.validation, "popularity"))
    assert linear.ndcg > 2 * popularity.ndcg


def test_weights_fit_rows_and_a_part_of_them_alike() -> None:
    sets = example_sets()
    assert fit_linear(sets.training, 500, 1) == fit_linear(sets.training, 500, 1)


def test_labels_of_one_class_give_finite_weights() -> None:
    sets = example_sets()
    sets.training.labels[:] = 0.0
    assert np.isfinite(list(fit_linear(sets.training, 100_000, 1).values())).all()
