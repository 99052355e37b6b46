from typing import Any

import keras
import tensorflow as tf


class VectorProjection(keras.layers.Layer):
    """The shop's vector of one name, projected. An item without one has a learned vector.

    In training a part of the vectors may be taken for missing, so that a shop in which all items have one learns what
    it is to have none.
    """

    def __init__(self, size: int, width: int, missing_rate: float, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self._size = size
        self._width = width
        self._missing_rate = missing_rate
        self._random = keras.random.SeedGenerator(seed)
        # Drawn as the embeddings beside it: a direction of length 1 must not outweigh them before anything is learned.
        self._normal = keras.initializers.RandomNormal(stddev=0.05, seed=seed)
        self._project = keras.layers.Dense(width, use_bias=False, kernel_initializer=self._normal, name="project")

    def build(self, shape: Any) -> None:
        """Builds the parts."""
        self._project.build((None, self._size))
        self.missing = self.add_weight(name="missing", shape=(self._width,), initializer=self._normal)
        self.built = True

    def call(self, vectors: Any, training: bool = False) -> Any:  # Keras's contract
        """Returns vectors of shape (*vectors.shape[:-1], width) for directions (…, size), all 0 where there is none."""
        vectors = tf.cast(vectors, tf.float32)
        there = tf.reduce_any(vectors != 0, axis=-1, keepdims=True)
        if training and self._missing_rate:
            there &= keras.random.uniform(tf.shape(there), seed=self._random) >= self._missing_rate
        return tf.where(there, self._project(vectors), self.missing)
