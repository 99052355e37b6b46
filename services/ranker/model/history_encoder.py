"""A causal transformer over a user's events, and the log-time buckets it shares with target attention."""

from typing import Any, Final

import keras
import tensorflow as tf

from services.common import event_types
from services.ranker.model.config import BehaviorModelConfig
from services.ranker.model.history_block import HistoryBlock

BUCKETS: Final = 20
_QUARTERS_PER_DAY: Final = 96.0


def log_time(days: Any) -> Any:
    """Returns ln(1 + quarters of an hour) of durations in days; 0 below 0."""
    return tf.math.log1p(tf.maximum(days, 0.0) * _QUARTERS_PER_DAY)


def time_buckets(days: Any) -> Any:
    """Returns the bucket of each duration in days, 0 .. BUCKETS - 1: powers of two of a quarter of an hour."""
    doublings = log_time(days) / tf.math.log(2.0)
    return tf.clip_by_value(tf.cast(tf.floor(doublings), tf.int32), 0, BUCKETS - 1)


class HistoryEncoder(keras.layers.Layer):
    """A causal transformer over a user's events: at each place, the user's vector from the events so far.

    An event is its item's vector, its type, and the time since the previous event. Events of one moment (the lines of
    an order) attend to each other; no event attends to a later one. Only time differences are used, so that what is
    learned inside a history also holds at its end.
    """

    def __init__(self, config: BehaviorModelConfig, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self._width = config.width
        small = keras.initializers.RandomNormal(stddev=0.05, seed=seed)
        self._action = keras.layers.Embedding(event_types.COUNT, config.width, small, name="action")
        self._gap = keras.layers.Embedding(BUCKETS, config.width, small, name="gap")
        self._enter = keras.layers.LayerNormalization(name="enter")
        self._dropout = keras.layers.Dropout(config.dropout, seed=seed + 1)
        self._blocks = [
            HistoryBlock(config.width, config.heads, config.distances, config.dropout, seed + 10 * n, name=f"block_{n}")
            for n in range(1, config.layers + 1)
        ]
        self._leave = keras.layers.LayerNormalization(name="leave")
        # Initialized to the identity, so a user starts near the items of the history, and near similar content.
        self._head = keras.layers.Dense(config.width, kernel_initializer=keras.initializers.Identity(), name="head")

    def build(self, shape: Any) -> None:
        """Builds the parts."""
        self._action.build((None, None))
        self._gap.build((None, None))
        for part in (self._enter, self._leave, self._head, *self._blocks):
            part.build((None, None, self._width))
        self.built = True

    def events(self, vectors: Any, types: Any) -> Any:
        """Returns each event's own vector, (B, L, width): its item's vector plus its type's."""
        return vectors + self._action(tf.clip_by_value(types, 0, event_types.COUNT - 1))

    def call(self, events: Any, types: Any, ages: Any, training: bool = False) -> Any:
        """Returns the user's vector after each event, (B, L, width).

        Ages are in days, oldest first; type 0 is padding.
        """
        real = types > 0
        before = tf.concat([ages[:, :1], ages[:, :-1]], axis=1)
        between = ages[:, None, :] - ages[:, :, None]  # (B, seeing, seen)
        visible = (between >= 0) & real[:, None, :]
        lags = log_time(between)
        hidden = self._enter(events + self._gap(time_buckets(before - ages)))
        hidden = self._dropout(hidden, training=training)
        for block in self._blocks:
            hidden = block(hidden, visible, lags, training=training)
        return self._head(self._leave(hidden))
