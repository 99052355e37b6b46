"""The losses of the ranking and retrieval heads, and how they give rare actions more weight."""

import math
from typing import Any, Final

import tensorflow as tf

_LEAST_PROBABILITY: Final = 1e-30


def ranking_loss(  # noqa: PLR0917  # the parts of one formula
    labels: Any, logits: Any, offsets: Any, real: Any, learned: Any, counts: Any = 1.0
) -> Any:
    """Returns the mean cross-entropy over real candidates and learned actions, each counted `counts` times.

    `labels` and `logits` are (B, N, actions); `offsets` (B, N) correct for negative sampling (see CandidateDraw):
    without them, the logits are those of the whole catalog.
    """
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits + offsets[..., None])
    weights = real[..., None] * learned * counts
    return tf.math.divide_no_nan(tf.reduce_sum(losses * weights), tf.reduce_sum(weights))


def visit_loss(  # noqa: PLR0917  # the parts of one formula
    labels: Any, logits: Any, offsets: Any, real: Any, learned: Any, weights: Any
) -> Any:
    """Returns a list-wise softmax loss of each visit's items: the mean over visits and learned actions.

    A softmax over the real candidates of an example, in which a sampled negative counts for all that it represents:
    `offsets` are added to the negatives only, since all positives are present. A visit's cross-entropy is weighted by
    `weights` (B,): see `visit_weights`. It doesn't learn the level of the probabilities; `ranking_loss` does. Shapes
    are those of `ranking_loss`.
    """
    stood_for = logits + tf.where(labels > 0, 0.0, offsets[..., None])
    shares = tf.nn.log_softmax(tf.where(real[..., None] > 0, stood_for, -1e9), axis=1)
    misses = -tf.reduce_sum(labels * shares, axis=1) * weights[:, None]
    return tf.math.divide_no_nan(tf.reduce_sum(tf.reduce_mean(misses, axis=0) * learned), tf.reduce_sum(learned))


def next_moments(types: Any, ages: Any, seed: Any) -> tuple[Any, Any]:
    """Returns for each event of (B, L) the place of a random event of the next moment; and whether there is one.

    Events of one moment (the lines of an order) have no order among themselves, so none follows another.
    """
    moments = tf.cumsum(tf.cast(ages[:, 1:] < ages[:, :-1], tf.int32), axis=1)
    moments = tf.pad(moments, [[0, 0], [1, 0]])
    follows = (moments[:, None, :] == moments[:, :, None] + 1) & (types > 0)[:, None, :] & (types > 0)[:, :, None]
    draw = tf.random.stateless_uniform(tf.shape(follows), seed)
    places = tf.argmax(tf.where(follows, draw, -1.0), axis=-1, output_type=tf.int32)
    return places, tf.reduce_any(follows, axis=-1)


def full_softmax_loss(users: Any, vectors: Any, targets: Any, precision: Any = tf.float32) -> Any:
    """Returns the mean cross-entropy of finding each target (P,), a row of `vectors` (I, D), for `users` (P, D).

    Only the probabilities (P, I) are large: they're computed once, in `precision`, and kept for the gradient, which is
    p minus one at the target. TensorFlow's own pair of operations takes more than twice as long.
    """

    @tf.custom_gradient
    def loss(users: Any, vectors: Any) -> Any:
        narrow_users, narrow_vectors = tf.cast(users, precision), tf.cast(vectors, precision)
        probabilities = tf.nn.softmax(tf.matmul(narrow_users, narrow_vectors, transpose_b=True))
        found = tf.cast(tf.gather(probabilities, targets, batch_dims=1), tf.float32)

        def gradient(upstream: Any) -> tuple[Any, Any]:
            scale = upstream / tf.cast(tf.size(targets), tf.float32)
            expected = tf.cast(tf.matmul(probabilities, narrow_vectors), tf.float32)
            of_vectors = tf.cast(tf.matmul(probabilities, narrow_users, transpose_a=True), tf.float32)
            of_vectors = tf.tensor_scatter_nd_sub(of_vectors, targets[:, None], users)
            return (expected - tf.gather(vectors, targets)) * scale, of_vectors * scale

        return -tf.reduce_mean(tf.math.log(found + _LEAST_PROBABILITY)), gradient

    return loss(users, vectors)


def sampled_softmax_loss(  # noqa: PLR0917  # the parts of one formula
    users: Any, positives: Any, negatives: Any, log_rates: tuple[Any, Any], same: Any, weights: Any
) -> Any:
    """Returns the mean cross-entropy of the positive against shared negatives.

    `users` and `positives` are (P, D), `negatives` (S, D); `log_rates` are ln of how often each positive (P,) and
    negative (S,) is expected in a sample, subtracted from the logits (Bengio and Senécal, 2008: "logQ"); `same` (P, S)
    marks negatives that are the positive; `weights` (P,).
    """
    positive_logits = tf.reduce_sum(users * positives, axis=-1, keepdims=True) - log_rates[0][:, None]
    negative_logits = tf.matmul(users, negatives, transpose_b=True) - log_rates[1]
    logits = tf.concat([positive_logits, tf.where(same, -1e9, negative_logits)], axis=-1)
    losses = -tf.nn.log_softmax(logits)[:, 0]
    return tf.math.divide_no_nan(tf.reduce_sum(losses * weights), tf.reduce_sum(weights))


def balance(labels: Any, way: str, factor: float, seed: Any) -> tuple[Any, float]:
    """Returns the weight of each candidate for each action, of the shape of `labels`, and an offset for the logits.

    Rare actions get `factor` times their share of the loss. By `weights`, an action has weight `factor`; by
    `over_sampling`, it's drawn `factor` times on average, with replacement (a Poisson variable); by `under_sampling`,
    one in `factor` of the candidates without the action is kept. Each multiplies the odds of the action by `factor`,
    so ln(`factor`) is added to the logits in the loss, and the logits are those of the original data (King and Zeng,
    "Logistic Regression in Rare Events Data", 2001, section 4).
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
