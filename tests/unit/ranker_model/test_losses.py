import numpy as np
import pytest
import tensorflow as tf

from services.ranker.model.losses import (
    full_softmax_loss,
    next_moments,
    ranking_loss,
    sampled_softmax_loss,
    visit_loss,
)

SEED = tf.constant([1, 2])


def test_the_next_event_is_one_of_the_next_moment() -> None:
    ages = tf.constant([[0.0, 9.0, 9.0, 5.0, 5.0, 2.0]])
    types = tf.constant([[0, 7, 7, 7, 7, 7]])
    places, there = next_moments(types, ages, SEED)
    assert there.numpy().tolist() == [[False, True, True, True, True, False]]
    assert set(places.numpy()[0, 1:3]) <= {3, 4}
    assert places.numpy()[0, 3:5].tolist() == [5, 5]


def test_a_history_of_one_moment_has_no_next_event() -> None:
    _, there = next_moments(tf.constant([[7, 7]]), tf.constant([[4.0, 4.0]]), SEED)
    assert not there.numpy().any()


def test_offsets_undo_the_drawing_of_negatives() -> None:
    # 1 positive and 10 of 1,000 negatives: the logit of least loss is that of 1 in 1,001, not of 1 in 11.
    labels = tf.constant([[[1.0]] + [[0.0]] * 10])
    offsets = tf.fill((1, 11), float(np.log(1_000 / 10)))
    logit = tf.Variable(-3.0)
    for _ in range(400):
        with tf.GradientTape() as tape:
            loss = ranking_loss(labels, tf.fill((1, 11, 1), logit), offsets, tf.ones((1, 11)), tf.ones(1))
        logit.assign_sub(4.0 * tape.gradient(loss, logit))
    assert float(logit) == pytest.approx(np.log(1 / 1_000), abs=0.05)


def test_padding_and_actions_without_examples_cost_nothing() -> None:
    labels, logits = tf.ones((1, 2, 2)), tf.fill((1, 2, 2), -50.0)
    nothing = ranking_loss(labels, logits, tf.zeros((1, 2)), tf.zeros((1, 2)), tf.ones(2))
    assert float(nothing) == 0.0
    assert float(ranking_loss(labels, logits, tf.zeros((1, 2)), tf.ones((1, 2)), tf.zeros(2))) == 0.0


def test_a_visit_costs_its_items_distance_from_the_top() -> None:
    labels = tf.constant([[[1.0], [0.0], [0.0]]])
    logits, offsets = tf.constant([[[2.0], [1.0], [9.0]]]), tf.constant([[5.0, 0.7, 0.0]])
    real, learned = tf.constant([[1.0, 1.0, 0.0]]), tf.ones(1)
    loss = float(visit_loss(labels, logits, offsets, real, learned, tf.constant([0.5])))
    # The offset of the positive is none of its own, and what is padding is not there.
    assert loss == pytest.approx(0.5 * np.log(1 + np.exp(1.7 - 2.0)), abs=1e-6)
    higher = visit_loss(labels, logits + 3.0, offsets, real, learned, tf.constant([0.5]))
    assert float(higher) == pytest.approx(loss, abs=1e-6)


def test_visits_without_items_and_actions_without_examples_cost_nothing() -> None:
    labels, logits, nothing = tf.zeros((1, 2, 1)), tf.fill((1, 2, 1), 3.0), tf.zeros((1, 2))
    assert float(visit_loss(labels, logits, nothing, nothing, tf.ones(1), tf.ones(1))) == 0.0
    assert float(visit_loss(labels + 1.0, logits, nothing, nothing + 1.0, tf.zeros(1), tf.ones(1))) == 0.0


def test_a_negative_that_is_the_positive_does_not_count() -> None:
    users, items = tf.ones((1, 2)), tf.constant([[3.0, 3.0]])
    same, rates = tf.constant([[True]]), (tf.zeros(1), tf.zeros(1))
    assert float(sampled_softmax_loss(users, items, items, rates, same, tf.ones(1))) == pytest.approx(0.0, abs=1e-6)
    other = sampled_softmax_loss(users, items, items, rates, ~same, tf.ones(1))
    assert float(other) == pytest.approx(np.log(2), abs=1e-6)


def test_the_full_softmax_tells_the_target_from_all_others() -> None:
    users, vectors = tf.constant([[1.0, 0.0]]), tf.constant([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    expected = np.log(np.exp(1.0) + 2.0) - 1.0
    assert float(full_softmax_loss(users, vectors, tf.constant([0]))) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-6), ("bfloat16", 5e-3)])
def test_the_full_softmax_gives_the_gradient_of_tensorflows_own(precision: str, tolerance: float) -> None:
    random = np.random.default_rng(4)
    users = tf.Variable(random.normal(size=(30, 8)), dtype=tf.float32)
    vectors = tf.Variable(random.normal(size=(50, 8)), dtype=tf.float32)
    targets = tf.constant(random.integers(0, 50, 30))  # some twice
    with tf.GradientTape(persistent=True) as tape:
        own = full_softmax_loss(users, vectors, targets, precision) * 3.0
        logits = tf.matmul(users, vectors, transpose_b=True)
        plain = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)) * 3.0
    assert float(own) == pytest.approx(float(plain), rel=20 * tolerance)
    for variable in (users, vectors):
        np.testing.assert_allclose(tape.gradient(own, variable), tape.gradient(plain, variable), atol=tolerance)
