from typing import Any

import keras
import tensorflow as tf

from services.ranker.model.history_encoder import BUCKETS, time_buckets


class TargetAttention(keras.layers.Layer):
    """Attention of each candidate to the history (Zhou et al., "Deep Interest Network", 2018), by content and age.

    A candidate may attend to nothing: an empty or unrelated history gives zeros.
    """

    def __init__(self, width: int, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self._width = width
        glorot = keras.initializers.GlorotUniform
        self._query = keras.layers.Dense(width, use_bias=False, kernel_initializer=glorot(seed), name="query")
        self._key = keras.layers.Dense(width, use_bias=False, kernel_initializer=glorot(seed + 1), name="key")
        self._age = keras.layers.Embedding(BUCKETS, 1, "zeros", name="age")

    def build(self, shape: Any) -> None:
        """Builds the parts."""
        self._query.build((None, None, self._width))
        self._key.build((None, None, self._width))
        self._age.build((None, None))
        self.built = True

    def call(self, candidates: Any, events: Any, types: Any, ages: Any) -> Any:
        """Returns (B, N, width) for candidates (B, N, width) and events (B, L, width) with types and ages (B, L)."""
        logits = tf.matmul(self._query(candidates), self._key(events), transpose_b=True) * self._width**-0.5
        logits += self._age(time_buckets(ages))[:, None, :, 0]
        logits = tf.where((types > 0)[:, None, :], logits, -1e9)
        nothing = tf.zeros_like(logits[:, :, :1])
        weights = tf.nn.softmax(tf.concat([nothing, logits], axis=-1))[:, :, 1:]
        return tf.matmul(weights, events)
