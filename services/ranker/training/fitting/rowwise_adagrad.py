from typing import Any, Final

import tensorflow as tf

_LEAST: Final = 1e-8
"""Added to the root, so that a row without a gradient isn't divided by 0."""


class RowwiseAdagrad:
    """Adagrad with one number of state a row of a table of vectors, and work for the rows of a batch alone.

    Duchi et al., "Adaptive Subgradient Methods" (2011), with a row's mean square in the place of each element's, as
    large embedding tables are trained (Naumov et al., "Deep Learning Recommendation Model", 2019). A table of W columns
    has 1/W of its size as state; Adam has twice its size.
    """

    def __init__(self, table: Any, learning_rate: float) -> None:
        self._table = table
        self._learning_rate = learning_rate
        self.accumulator = tf.Variable(tf.zeros(table.shape[:1]), trainable=False, name="rowwise_accumulator")

    def apply(self, gradient: tf.IndexedSlices) -> None:
        """Moves the rows that the gradient has, each once whatever number of times it is in it; runs inside a graph."""
        rows, places = tf.unique(gradient.indices)
        summed = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(rows))
        self.accumulator.scatter_add(tf.IndexedSlices(tf.reduce_mean(tf.square(summed), axis=1), rows))
        roots = tf.sqrt(tf.gather(self.accumulator, rows)) + _LEAST
        self._table.scatter_sub(tf.IndexedSlices(self._learning_rate * summed / roots[:, None], rows))
