"""However actions are made to count for more, probabilities are those of the data."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from services.ranker.model.losses import balance, ranking_loss
from services.ranker.training.plan import WAYS

ROWS = 20_000
STEPS = 300


def planted(seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A feature, and an action that happens to some 2 % of the candidates, by a law that is known."""
    random = np.random.default_rng(seed)
    feature = random.normal(size=(1, ROWS)).astype(np.float32)
    truth = 1 / (1 + np.exp(-(1.2 * feature - 4.5)))
    labels = (random.random(feature.shape) < truth).astype(np.float32)
    return feature, labels[..., None], truth


@pytest.mark.parametrize("way", WAYS)
def test_probabilities_are_true(way: str) -> None:
    feature, labels, truth = planted()
    slope, shift = tf.Variable(0.0), tf.Variable(0.0)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, STEPS))
    constant = tf.constant(feature), tf.constant(labels), tf.zeros_like(feature), tf.ones_like(feature)

    def step(seed: tf.Tensor) -> None:
        inputs, told, offsets, real = constant
        with tf.GradientTape() as tape:
            counts, added = balance(told, way, 20.0, seed)
            logits = (slope * inputs + shift)[..., None] + added
            loss = ranking_loss(told, logits, offsets, real, tf.ones(1), counts)
        variables = [slope, shift]
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    optimizer.build([slope, shift])
    compiled = tf.function(step)
    for number in range(STEPS):
        compiled(tf.constant([number, 7]))
    found = 1 / (1 + np.exp(-(slope.numpy() * feature + shift.numpy())))
    assert 0.95 < found.sum() / labels.sum() < 1.05
    upper = feature > 1.0  # and not in the mean alone
    assert 0.93 < found[upper].sum() / truth[upper].sum() < 1.07


@pytest.mark.parametrize("way", WAYS)
def test_actions_count_as_much_more_as_the_factor_says(way: str) -> None:
    labels = tf.constant(planted()[1])
    counts, shift = balance(labels, way, 10.0, tf.constant([1, 2]))
    positives = float(tf.reduce_sum(counts * labels))
    negatives = float(tf.reduce_sum(counts * (1 - labels)))
    before = float(tf.reduce_sum(labels) / tf.reduce_sum(1 - labels))
    assert positives / negatives == pytest.approx(10 * before, rel=0.06)
    assert shift == pytest.approx(np.log(10))


def test_a_factor_of_one_changes_nothing() -> None:
    assert balance(tf.ones((1, 2, 1)), "weights", 1.0, tf.constant([1, 2])) == (1.0, 0.0)
