"""Learned vectors of what describes an item: known numbers, hashed numbers, text tokens, and the shop's vectors."""

from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.ranker.inputs.item_text import TOKEN_BUCKETS


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The numbers that the model has vectors for, ascending; and how often each item occurs, for sampling."""

    item_nos: NDArray[np.int64]
    item_counts: NDArray[np.int64]
    category_nos: NDArray[np.int64]
    brand_nos: NDArray[np.int64]

    @classmethod
    def of(
        cls, item_nos: NDArray[Any], category_nos: NDArray[Any], brand_nos: NDArray[Any], minimum_item_events: int
    ) -> "Vocabulary":
        """Returns the vocabulary of a log: `item_nos` of its events, categories and brands of the items in them."""
        items, counts = np.unique(item_nos[item_nos > 0], return_counts=True)
        often = counts >= minimum_item_events
        return cls(
            item_nos=items[often].astype(np.int64),
            item_counts=counts[often].astype(np.int64),
            category_nos=np.unique(category_nos[category_nos > 0]).astype(np.int64),
            brand_nos=np.unique(brand_nos[brand_nos > 0]).astype(np.int64),
        )


NONE: Final = 0
"""Row of a missing number (0): a learned default."""

UNSEEN: Final = 1
"""Row of numbers unseen in training."""


class NumberEmbedding(keras.layers.Layer):
    """Vectors for the catalog's numbers. The lookup from number to row is in the graph: callers need no vocabulary.

    In training a share of the known numbers may be treated as unseen, so that the unseen row is learned.
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
        """Builds the table of rows by number, and the vectors."""
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
        """Sets the last element of the known numbers' vectors, in order, and of the unseen row's."""
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


_MULTIPLIER: Final = 2_654_435_761
"""Knuth, "The Art of Computer Programming", volume 3, section 6.4: the golden ratio of 2 to the power of 32."""


class HashedEmbedding(keras.layers.Layer):
    """Vectors for more numbers than a vocabulary could list: numbers share rows by a hash.

    Row 0 is for a missing number. All rows start at 0, so that an item starts as its content.
    """

    def __init__(self, rows: int, width: int, **options: Any) -> None:
        super().__init__(**options)
        self._count = rows
        self._width = width

    def build(self, shape: Any) -> None:
        """Builds the table."""
        self.vectors = self.add_weight(name="vectors", shape=(self._count, self._width), initializer="zeros")
        self.built = True

    def rows(self, numbers: Any) -> Any:
        """Returns each number's row."""
        mixed = tf.math.floormod(tf.cast(numbers, tf.int64) * _MULTIPLIER, 2**32)
        return tf.where(numbers > 0, 1 + tf.math.floormod(mixed, self._count - 1), 0)

    def call(self, numbers: Any, training: bool = False) -> Any:  # Keras's contract
        """Returns vectors of shape (*numbers.shape, width)."""
        return tf.gather(self.vectors.value, self.rows(numbers))


class TokenEmbedding(keras.layers.Layer):
    """Hashed tokens as the mean of learned vectors. Row 0 is for no token: a missing text has a learned default.

    The vectors are narrow and projected to the width of the result, since a request gathers thousands of them. With
    fewer rows than TOKEN_BUCKETS, tokens share them. In training a share of the texts may be treated as missing, so
    that row 0 is learned in a shop where all items have a title.
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
        """Builds the vectors and their projection."""
        normal = keras.initializers.RandomNormal(stddev=0.05, seed=self._random)
        self.vectors = self.add_weight(name="vectors", shape=(self._rows, self._narrow), initializer=normal)
        self._widen.build((None, self._narrow))
        self.built = True

    def call(self, tokens: Any, training: bool = False) -> Any:  # Keras's contract
        """Returns vectors of shape (*tokens.shape[:-1], width) for tokens (…, slots): all 0 if there is no text."""
        tokens = tf.cast(tokens, tf.int32)
        if training and self._missing_rate:
            draw = keras.random.uniform(tf.shape(tokens[..., :1]), seed=self._random)
            tokens = tf.where(draw < self._missing_rate, 0, tokens)
        if self._rows < TOKEN_BUCKETS:
            tokens = tf.where(tokens > 0, 1 + (tokens - 1) % (self._rows - 1), 0)
        return self._widen(tf.reduce_mean(tf.gather(self.vectors, tokens), axis=-2))


class VectorProjection(keras.layers.Layer):
    """The shop's vector of one name, projected. An item without one has a learned vector.

    In training a share of the vectors may be treated as missing, so that the default is learned even in a shop where
    all items have one.
    """

    def __init__(self, size: int, width: int, missing_rate: float, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self._size = size
        self._width = width
        self._missing_rate = missing_rate
        self._random = keras.random.SeedGenerator(seed)
        # Initialized like the embeddings: a vector of length 1 must not outweigh them before training.
        self._normal = keras.initializers.RandomNormal(stddev=0.05, seed=seed)
        self._project = keras.layers.Dense(width, use_bias=False, kernel_initializer=self._normal, name="project")

    def build(self, shape: Any) -> None:
        """Builds the parts."""
        self._project.build((None, self._size))
        self.missing = self.add_weight(name="missing", shape=(self._width,), initializer=self._normal)
        self.built = True

    def call(self, vectors: Any, training: bool = False) -> Any:  # Keras's contract
        """Returns vectors of shape (*vectors.shape[:-1], width) for directions (…, size), all 0 if there is none."""
        vectors = tf.cast(vectors, tf.float32)
        there = tf.reduce_any(vectors != 0, axis=-1, keepdims=True)
        if training and self._missing_rate:
            there &= keras.random.uniform(tf.shape(there), seed=self._random) >= self._missing_rate
        return tf.where(there, self._project(vectors), self.missing)
