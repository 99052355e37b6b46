import numpy as np
import pytest

from services.ranker.training.examples.examples import Examples
from services.ranker.training.examples.next_visit import Visit
from services.ranker.training.fitting.example_statistics import mean_and_deviation, real_features


def test_padding_counts_nothing() -> None:
    random = np.random.default_rng(2)
    features = random.normal(3.0, 2.0, (150, 7, 5)).astype(np.float32)
    item_nos = random.integers(0, 3, (150, 7))
    visits = [Visit(np.array([1]), np.ones((1, 4), np.float32))] * 150
    inputs: dict[str, np.ndarray] = {"candidate_item_nos": item_nos, "candidate_features": features}
    examples = Examples(
        inputs, np.zeros((150, 7, 4), np.float32), np.zeros((150, 7), np.float32), np.zeros((150, 7), np.uint8), visits
    )
    mean, deviation = mean_and_deviation(real_features(examples))
    real = features[item_nos > 0].astype(np.float64)
    assert mean == pytest.approx(real.mean(axis=0))
    assert deviation == pytest.approx(real.std(axis=0))


def test_a_feature_that_is_always_the_same_has_no_deviation() -> None:
    mean, deviation = mean_and_deviation([np.full((1_000, 1), 0.1, np.float32)] * 3)
    assert mean == pytest.approx([0.1])
    assert deviation == pytest.approx([0.0], abs=1e-6)


def test_of_nothing_there_is_no_scale() -> None:
    mean, deviation = mean_and_deviation([np.zeros((0, 2), np.float32)])
    assert mean.tolist() == deviation.tolist() == [0.0, 0.0]
