"""Lengths of time, by their logarithm: a quarter of an hour is the least that counts."""

from typing import Any, Final

import tensorflow as tf

BUCKETS: Final = 20
_QUARTERS_PER_DAY: Final = 96.0


def log_time(days: Any) -> Any:
    """Returns ln(1 + quarters of an hour) of lengths of time in days; 0 below 0."""
    return tf.math.log1p(tf.maximum(days, 0.0) * _QUARTERS_PER_DAY)


def time_buckets(days: Any) -> Any:
    """Returns the class of each length of time, 0 .. BUCKETS - 1: powers of two of a quarter of an hour."""
    doublings = log_time(days) / tf.math.log(2.0)
    return tf.clip_by_value(tf.cast(tf.floor(doublings), tf.int32), 0, BUCKETS - 1)
