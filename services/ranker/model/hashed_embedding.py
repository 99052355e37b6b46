from typing import Any, Final

import keras
import tensorflow as tf

_MULTIPLIER: Final = 2_654_435_761
"""Knuth, "The Art of Computer Programming", volume 3, section 6.4: the golden ratio of 2 to the power of 32."""


class HashedEmbedding(keras.layers.Layer):
    """Vectors for more numbers than a list of them would be kept for: numbers share rows by a hash.

    Row 0 is what has no number. All others begin at 0, so that an item begins as its content.
    """

    def __init__(self, rows: int, width: int, **options: Any) -> None:
        super().__init__(**options)
        self._count = rows
        self._width = width

    def build(self, shape: Any) -> None:
        """Makes the table."""
        self.vectors = self.add_weight(name="vectors", shape=(self._count, self._width), initializer="zeros")
        self.built = True

    def rows(self, numbers: Any) -> Any:
        """Returns each number's row."""
        mixed = tf.math.floormod(tf.cast(numbers, tf.int64) * _MULTIPLIER, 2**32)
        return tf.where(numbers > 0, 1 + tf.math.floormod(mixed, self._count - 1), 0)

    def call(self, numbers: Any, training: bool = False) -> Any:  # Keras's contract
        """Returns vectors of shape (*numbers.shape, width)."""
        return tf.gather(self.vectors.value, self.rows(numbers))
