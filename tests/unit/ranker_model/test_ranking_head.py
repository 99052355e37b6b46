from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from services.common.progress import NoProgress
from services.ranker.model.config import BehaviorModelConfig
from services.ranker.model.ranking_head import RankingHead
from services.ranker.training.job import train_on
from services.ranker.training.publishing.publisher import Publisher
from tests.support.training_shop import training_shop
from tests.unit.ranker_model.conftest import NOW, tiny_plan

INPUTS = 5


def head_of(crosses: int) -> RankingHead:
    head = RankingHead(BehaviorModelConfig(hidden=(4,), crosses=crosses, cross_rank=2), INPUTS, 3, seed=1)
    head.build((None, None, INPUTS))
    return head


def test_crosses_multiply_the_inputs_by_what_became_of_them() -> None:
    head = head_of(crosses=2)
    for weights in head.weights:
        weights.assign(np.random.default_rng(len(weights.path)).normal(size=weights.shape))
    named: dict[str, np.ndarray] = {weights.path: weights.numpy() for weights in head.weights}

    def weights_of(*words: str) -> np.ndarray:
        (found,) = (value for path, value in named.items() if all(word in path for word in words))
        return found

    inputs = np.random.default_rng(0).normal(size=(2, 3, INPUTS)).astype(np.float32)
    hidden = np.maximum(inputs @ weights_of("hidden_0", "kernel") + weights_of("hidden_0", "bias"), 0.0)
    crossed = inputs
    for cross in ("cross_0", "cross_1"):
        narrow = next(value for path, value in named.items() if cross in path and value.shape == (INPUTS, 2))
        wide = next(value for path, value in named.items() if cross in path and value.shape == (2, INPUTS))
        crossed = inputs * (crossed @ narrow @ wide + weights_of(cross, "bias")) + crossed
    expected = np.concatenate([hidden, crossed], axis=-1) @ weights_of("logits", "kernel") + weights_of(
        "logits", "bias"
    )
    assert np.allclose(head(tf.constant(inputs)).numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("crosses", [0, 1, 3])
def test_a_head_has_the_crosses_that_it_is_told(crosses: int) -> None:
    crossing = {weights.path.split("/")[-3] for weights in head_of(crosses).weights if "cross_" in weights.path}
    assert len(crossing) == crosses


@pytest.mark.slow
def test_a_model_with_crosses_learns_and_can_be_served(tmp_path: Path) -> None:
    plan = tiny_plan()
    plan = replace(plan, model=replace(plan.model, crosses=2, cross_rank=4))
    report = train_on(training_shop(), plan, Publisher(tmp_path, NOW), NoProgress(), {})
    assert report.failed_checks == []
    assert report.metrics["model"].ndcg > 2 * report.metrics["popularity"].ndcg
