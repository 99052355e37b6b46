from typing import Any

import keras
import tensorflow as tf

from services.ranker.inputs.item_tokens import TOKEN_BUCKETS


class TokenEmbedding(keras.layers.Layer):
    """Hashed tokens as the mean of learned vectors. Row 0 is that of no token: a missing text is a learned default.

    The vectors are narrower than the result, into which they are projected: a request gathers thousands of them. With
    fewer rows than TOKEN_BUCKETS tokens share them. In training a part of the texts may be taken for missing, so that
    row 0 stands for something in a shop where all items have a title.
    """

    def __init__(self, rows: int, narrow: int, width: int, missing_rate: float, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self._rows = rows
        self._narrow = narrow
        self._missing_rate = missing_rate
        self._random = keras.random.SeedGenerator(seed)
        glorot = keras.initializers.GlorotUniform(seed=seed)
        self._widen = keras.layers.Dense(width, use_bias=False, kernel_initializer=glorot, name="widen")

    def build(self, shape: Any) -> None:
        """Makes the vectors and their projection."""
        normal = keras.initializers.RandomNormal(stddev=0.05, seed=self._random)
        self.vectors = self.add_weight(name="vectors", shape=(self._rows, self._narrow), initializer=normal)
        self._widen.build((None, self._narrow))
        self.built = True

    def call(self, tokens: Any, training: bool = False) -> Any:  # Keras's contract
        """Returns vectors of shape (*tokens.shape[:-1], width) for tokens (…, slots): all 0 where there is no text."""
        tokens = tf.cast(tokens, tf.int32)
        if training and self._missing_rate:
            draw = keras.random.uniform(tf.shape(tokens[..., :1]), seed=self._random)
            tokens = tf.where(draw < self._missing_rate, 0, tokens)
        if self._rows < TOKEN_BUCKETS:
            tokens = tf.where(tokens > 0, 1 + (tokens - 1) % (self._rows - 1), 0)
        return self._widen(tf.reduce_mean(tf.gather(self.vectors, tokens), axis=-2))
