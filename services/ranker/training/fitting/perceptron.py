"""A plain multi-layer perceptron: ReLU layers over the candidate features, trained by cross-entropy.

It isn't served: it's a baseline for the behavior model.
"""

from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.common.numeric import standard_scales
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.training.examples.examples import Examples
from services.ranker.training.fitting.example_statistics import mean_and_deviation, real_features
from services.ranker.training.fitting.linear import target_labels

HIDDEN: Final = (64, 32)
EPOCHS: Final = 3
LEARNING_RATE: Final = 2e-3
MOST_DEVIATIONS: Final = 6.0
SCORED_AT_ONCE: Final = 256


class Perceptron:
    """Scores candidates by the probability of the linear scorer's label: a purchase or, if there are none, a click."""

    def __init__(self, examples: Examples, seed: int, batch_size: int = 64) -> None:
        keras.utils.set_random_seed(seed)
        means, deviations = mean_and_deviation(real_features(examples))
        self._means = means.astype(np.float32)
        self._scales = standard_scales(deviations).astype(np.float32)
        inputs = keras.Input((None, len(FEATURE_NAMES)))
        hidden = inputs
        for size in HIDDEN:
            hidden = keras.layers.Dense(size, "relu")(hidden)
        # It starts at the mean odds: otherwise its few epochs go into learning how rare a purchase is.
        positives = float(target_labels(examples.labels).sum())
        odds = np.log((positives + 0.5) / (np.exp(examples.offsets[examples.real], dtype=np.float64).sum() + 1.0))
        start = keras.initializers.Constant(float(odds))
        self._network = keras.Model(inputs, keras.layers.Dense(1, bias_initializer=start)(hidden))
        self._optimizer = keras.optimizers.Adam(LEARNING_RATE)
        self._learn(examples, np.random.default_rng(seed), batch_size)

    def scores(self, examples: Examples) -> NDArray[np.float32]:
        """Returns logits, (E, N)."""
        features = examples.inputs["candidate_features"]
        logits = tf.function(self._logits, reduce_retracing=True)
        parts = [
            logits(tf.constant(features[begin : begin + SCORED_AT_ONCE])).numpy()
            for begin in range(0, len(examples), SCORED_AT_ONCE)
        ]
        return np.concatenate(parts)

    def _learn(self, examples: Examples, random: np.random.Generator, batch_size: int) -> None:
        labels = target_labels(examples.labels)
        step = tf.function(self._step, reduce_retracing=True)
        for _ in range(EPOCHS):
            order = random.permutation(len(examples))
            for begin in range(0, len(order), batch_size):
                places = order[begin : begin + batch_size]
                columns = examples.inputs["candidate_features"], labels, examples.offsets, examples.real
                step(*(tf.constant(column[places]) for column in columns))

    def _step(self, features: Any, labels: Any, offsets: Any, real: Any) -> None:
        with tf.GradientTape() as tape:
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, self._logits(features) + offsets)
            loss = tf.reduce_mean(tf.boolean_mask(losses, real))
        variables = self._network.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    def _logits(self, features: Any) -> Any:
        standard = tf.clip_by_value((features - self._means) * self._scales, -MOST_DEVIATIONS, MOST_DEVIATIONS)
        return self._network(standard)[..., 0]
