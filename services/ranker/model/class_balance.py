"""Actions are rare: what is done so that the model learns from them, and what makes its probabilities true again."""

import math
from typing import Any

import tensorflow as tf


def balance(labels: Any, way: str, factor: float, seed: Any) -> tuple[Any, float]:
    """Returns what each candidate counts for each action, of the shape of `labels`, and an offset for the logits.

    Actions count `factor` times as much against all else as they are frequent: by `weights` an action counts `factor`
    times; by `over_sampling` it is drawn so often in the mean, with replacement (a Poisson variable); by
    `under_sampling` one in `factor` of the candidates without the action is kept. Each multiplies the odds of the
    action by `factor`: ln(`factor`), added to the logits in the loss, leaves logits that are those of the data as it is
    (King and Zeng, "Logistic Regression in Rare Events Data", 2001, section 4).
    """
    if factor == 1.0:
        return 1.0, 0.0
    ones = tf.ones_like(labels)
    if way == "weights":
        counts = tf.where(labels > 0, factor, ones)
    elif way == "over_sampling":
        counts = tf.where(labels > 0, tf.random.stateless_poisson(tf.shape(labels), seed, factor, labels.dtype), ones)
    else:
        kept = tf.random.stateless_uniform(tf.shape(labels), seed) < 1.0 / factor
        counts = tf.where((labels > 0) | kept, ones, 0.0)
    return counts, math.log(factor)
