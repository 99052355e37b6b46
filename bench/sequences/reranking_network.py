from collections.abc import Iterator
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bench.sequences.shortlist import Shortlist
from services.common.numeric import standard_scales
from services.ranker.training.fitting.example_statistics import mean_and_deviation

FLOORS: Final = (0.03, 0.3)
"""Beside a counting part's usual score: added before the logarithm, since what was never counted is not impossible."""

HIDDEN: Final = 32
EPOCHS: Final = 12
BATCH: Final = 256
LEARNING_RATE: Final = 2e-3
WEIGHT_DECAY: Final = 1e-3


class RerankingNetwork:
    """Orders a shortlist: one part's scores, and what a small network adds to them, which begins at nothing.

    It is told the logits, logarithms of the other parts' scores, how often an item was taken and how long a history
    is: what counting is worth beside the model depends on both.

    Args:
        learned: what it learns from.
        wanted: the item (U,) of each of its users that is to stand first.
        taken: how often each item was, by number; row 0 is nobody's.
        base: the part that it begins with; of those that count, their logarithms.
        seed: what it begins at, and the order that it learns in.
    """

    def __init__(
        self, learned: Shortlist, wanted: NDArray[np.int64], taken: NDArray[np.int64], base: int, seed: int
    ) -> None:
        self._base = base
        counted = learned.scores[..., 1:].reshape(-1, learned.scores.shape[-1] - 1)
        positive = (column[column > 0] for column in counted.T)
        usual = np.array([np.median(column) if len(column) else 1.0 for column in positive], np.float32)
        self._usual = tf.constant(usual)
        self._taken = tf.constant(np.log1p(taken), tf.float32)
        glorot = keras.initializers.GlorotUniform(seed=seed)
        self._layers = [
            keras.layers.Dense(HIDDEN, "gelu", kernel_initializer=glorot),
            keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"),
            keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"),
        ]
        sizes = 3 + len(usual) * len(FLOORS)
        for layer, size in zip(self._layers, (sizes, HIDDEN, sizes), strict=True):
            layer.build((None, None, size))
        # One trace for all sizes of shortlists.
        self._signature = (
            tf.TensorSpec((None, None), tf.int32),
            tf.TensorSpec((None, None, learned.scores.shape[-1]), tf.float32),
            tf.TensorSpec((None,), tf.float32),
        )
        self._scores = tf.function(self._values, input_signature=self._signature)
        means, deviations = mean_and_deviation(self._real_features(learned))
        self._means = tf.constant(means, tf.float32)
        self._scales = tf.constant(standard_scales(deviations), tf.float32)
        self._learn(learned, wanted, np.random.default_rng(seed))

    def scores(self, shortlist: Shortlist) -> NDArray[np.float32]:
        """Returns what orders each user's items, (U, C); -inf where there is none."""
        parts = [np.zeros((0, shortlist.item_nos.shape[1]), np.float32)]
        parts += [self._scores(*tensors).numpy() for tensors in _in_batches(shortlist)]
        return np.where(shortlist.item_nos > 0, np.concatenate(parts), np.float32(-np.inf))

    def _learn(self, shortlist: Shortlist, wanted: NDArray[np.int64], random: np.random.Generator) -> None:
        """A softmax over the items that compete with the wanted one."""
        taught = np.flatnonzero((shortlist.item_nos == wanted[:, None]).any(axis=1))
        steps = EPOCHS * -(-len(taught) // BATCH)
        rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, max(1, steps))
        optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY)
        variables = [variable for layer in self._layers for variable in layer.trainable_variables]

        def step(item_nos: Any, scores: Any, lengths: Any, wanted: Any) -> None:
            with tf.GradientTape() as tape:
                shares = tf.nn.log_softmax(self._values(item_nos, scores, lengths))
                loss = -tf.reduce_mean(tf.boolean_mask(shares, item_nos == wanted[:, None]))
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

        compiled = tf.function(step, input_signature=(*self._signature, tf.TensorSpec((None,), tf.int32)))
        for _ in range(EPOCHS):
            order = random.permutation(taught)
            for begin in range(0, len(order), BATCH):
                users = order[begin : begin + BATCH]
                compiled(*_tensors(shortlist, users), tf.constant(wanted[users], tf.int32))

    def _values(self, item_nos: Any, scores: Any, lengths: Any) -> Any:
        features = (self._features(item_nos, scores, lengths) - self._means) * self._scales
        hidden, more, line = self._layers
        begun = scores[..., 0] if self._base == 0 else self._logarithms(scores, FLOORS[0])[..., self._base - 1]
        values = begun + (more(hidden(features)) + line(features))[..., 0]
        return tf.where(item_nos > 0, values, -1e9)

    def _features(self, item_nos: Any, scores: Any, lengths: Any) -> Any:
        return tf.concat(
            [
                scores[..., :1],
                *(self._logarithms(scores, floor) for floor in FLOORS),
                tf.gather(self._taken, item_nos)[..., None],
                tf.broadcast_to(tf.math.log(lengths)[:, None, None], tf.shape(scores[..., :1])),
            ],
            axis=-1,
        )

    def _logarithms(self, scores: Any, floor: float) -> Any:
        return tf.math.log(tf.maximum(scores[..., 1:], 0.0) / self._usual + floor)

    def _real_features(self, shortlist: Shortlist) -> Iterator[NDArray[np.float32]]:
        """Yields the features of the items that there are, (n, F), those of some users at a time."""
        for item_nos, scores, lengths in _in_batches(shortlist):
            yield self._features(item_nos, scores, lengths).numpy()[item_nos.numpy() > 0]


def _in_batches(shortlist: Shortlist) -> Iterator[tuple[Any, Any, Any]]:
    for begin in range(0, len(shortlist), BATCH):
        yield _tensors(shortlist, slice(begin, begin + BATCH))


def _tensors(shortlist: Shortlist, users: NDArray[np.int64] | slice) -> tuple[Any, Any, Any]:
    return (
        tf.constant(shortlist.item_nos[users]),
        tf.constant(shortlist.scores[users]),
        tf.constant(shortlist.lengths[users], tf.float32),
    )
