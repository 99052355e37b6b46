from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

NONE: Final = 0
"""Row of what has no number (0): a missing value is a learned default."""

UNSEEN: Final = 1
"""Row of numbers that training did not meet."""


class NumberEmbedding(keras.layers.Layer):
    """Vectors for the catalog's numbers. The way from number to row is in the graph: callers know no vocabulary.

    In training a part of the known numbers may be taken for unseen, so that the unseen row stands for something.
    """

    def __init__(  # what a table is made of
        self, numbers: NDArray[Any], width: int, unseen_rate: float, seed: int, deviation: float = 0.05, **options: Any
    ) -> None:
        super().__init__(**options)
        self._numbers = numbers
        self._width = width
        self._unseen_rate = unseen_rate
        self._deviation = deviation
        self._random = keras.random.SeedGenerator(seed)

    def build(self, shape: Any) -> None:
        """Makes the table of rows by number, and the vectors."""
        highest = int(self._numbers.max(initial=0))
        rows = np.full(highest + 2, UNSEEN, np.int32)
        rows[0] = NONE
        rows[self._numbers] = np.arange(2, 2 + len(self._numbers))
        self._rows = self.add_weight(
            name="rows", shape=rows.shape, dtype="int32", trainable=False, initializer=lambda *_, **__: rows
        )
        self.vectors = self.add_weight(
            name="vectors",
            shape=(2 + len(self._numbers), self._width),
            initializer=keras.initializers.RandomNormal(stddev=self._deviation, seed=self._random),
        )
        self._highest = highest
        self.built = True

    def __len__(self) -> int:
        return 2 + len(self._numbers)

    def start_last_at(self, known: NDArray[Any], unseen: float) -> None:
        """Sets the last element of the known numbers' vectors, in their order, and of the unseen one's."""
        vectors = self.vectors.numpy()
        vectors[2:, -1] = known
        vectors[UNSEEN, -1] = unseen
        self.vectors.assign(vectors)

    def rows(self, numbers: Any) -> Any:
        """Returns each number's row: NONE, UNSEEN or one from 2 on."""
        return tf.gather(self._rows, tf.clip_by_value(numbers, 0, self._highest + 1))

    def call(self, numbers: Any, training: bool = False) -> Any:  # Keras's contract
        """Returns vectors of shape (*numbers.shape, width)."""
        rows = self.rows(numbers)
        if training and self._unseen_rate:
            draw = keras.random.uniform(tf.shape(rows), seed=self._random)
            rows = tf.where((draw < self._unseen_rate) & (rows > UNSEEN), UNSEEN, rows)
        return tf.gather(self.vectors, rows)
