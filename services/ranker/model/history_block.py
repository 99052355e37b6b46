from typing import Any

import keras
import tensorflow as tf


class HistoryBlock(keras.layers.Layer):
    """One layer of the transformer: attention that fades with the time between events, then a network.

    Each head learns how it fades with the logarithm of the time; normalization stands before each part (Xiong et al.,
    "On Layer Normalization in the Transformer Architecture", 2020). With `distances` above 0 each head also learns what
    an event counts by how many events back it lies (Shaw et al., "Self-Attention with Relative Position
    Representations", 2018, as a bias); those that lie further share the last distance. What a block adds to an event
    begins at nothing.
    """

    def __init__(self, width: int, heads: int, distances: int, dropout: float, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self._width, self._heads, self._distances = width, heads, distances
        self._first_norm = keras.layers.LayerNormalization(name="first_norm")
        self._second_norm = keras.layers.LayerNormalization(name="second_norm")
        self._project = keras.layers.Dense(3 * width, name="project", kernel_initializer=_glorot(seed))
        self._join = keras.layers.Dense(width, name="join", kernel_initializer="zeros")
        self._widen = keras.layers.Dense(2 * width, "gelu", name="widen", kernel_initializer=_glorot(seed + 1))
        self._narrow = keras.layers.Dense(width, name="narrow", kernel_initializer="zeros")
        self._dropout = keras.layers.Dropout(dropout, seed=seed + 2)

    def build(self, shape: Any) -> None:
        """Builds the parts."""
        self._fading = self.add_weight(name="fading", shape=(self._heads,), initializer="zeros")
        if self._distances:
            self._nearness = self.add_weight(name="nearness", shape=(self._distances, self._heads), initializer="zeros")
        for layer in (self._first_norm, self._second_norm, self._project, self._join, self._widen):
            layer.build((None, None, self._width))
        self._narrow.build((None, None, 2 * self._width))
        self.built = True

    def call(self, events: Any, visible: Any, lags: Any, training: bool = False) -> Any:
        """Returns events of the same shape (B, L, width).

        `visible` (B, L, L) says which events an event sees, `lags` (B, L, L) the logarithm of the time between
        them.
        """
        batch, length = tf.shape(events)[0], tf.shape(events)[1]
        projected = self._project(self._first_norm(events))
        parts = tf.reshape(projected, (batch, length, 3, self._heads, self._width // self._heads))
        query, key, value = tf.unstack(tf.transpose(parts, (2, 0, 3, 1, 4)))
        logits = tf.matmul(query, key, transpose_b=True) * (self._width // self._heads) ** -0.5
        logits -= self._fading[:, None, None] * lags[:, None]
        if self._distances:
            places = tf.range(length)
            distances = tf.minimum(tf.abs(places[:, None] - places[None, :]), self._distances - 1)
            logits += tf.transpose(tf.gather(self._nearness, distances), (2, 0, 1))
        weights = tf.nn.softmax(tf.where(visible[:, None], logits, -1e9))
        mixed = tf.reshape(tf.transpose(tf.matmul(weights, value), (0, 2, 1, 3)), (batch, length, self._width))
        events += self._dropout(self._join(mixed), training=training)
        return events + self._dropout(self._narrow(self._widen(self._second_norm(events))), training=training)


def _glorot(seed: int) -> Any:
    return keras.initializers.GlorotUniform(seed=seed)
