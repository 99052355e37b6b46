"""The sparse updates are those of a dense transcription of the formula."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from services.common.progress import NoProgress
from services.ranker.model.embeddings import HashedEmbedding
from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.fitting.fit import fit_model
from services.ranker.training.fitting.rowwise_adagrad import RowwiseAdagrad
from tests.support.training_shop import training_shop
from tests.unit.ranker_model.conftest import tiny_plan

ROWS, WIDTH, RATE = 12, 5, 0.3


def dense(table: np.ndarray, state: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All rows at once, as the formula has them."""
    state = state + (gradient**2).mean(axis=1)
    return table - RATE * gradient / (np.sqrt(state) + 1e-8)[:, None], state


def test_it_moves_as_the_dense_formula_does() -> None:
    random = np.random.default_rng(4)
    table, state = random.normal(size=(ROWS, WIDTH)).astype(np.float32), np.zeros(ROWS, np.float32)
    variable = tf.Variable(table)
    optimizer = RowwiseAdagrad(variable, RATE)
    step = tf.function(lambda values, rows: optimizer.apply(tf.IndexedSlices(values, rows)))
    for _ in range(6):
        rows = random.integers(0, ROWS, 9)  # some of them more than once
        values = random.normal(size=(9, WIDTH)).astype(np.float32)
        gradient = np.zeros((ROWS, WIDTH), np.float32)
        np.add.at(gradient, rows, values)
        table, state = dense(table, state, gradient)
        step(tf.constant(values), tf.constant(rows))
        assert np.allclose(variable.numpy(), table, atol=1e-5)
        assert np.allclose(optimizer.accumulator.numpy(), state, rtol=1e-5)


def test_a_row_that_is_not_in_the_batch_stays() -> None:
    variable = tf.Variable(np.ones((3, 2), np.float32))
    RowwiseAdagrad(variable, RATE).apply(tf.IndexedSlices(tf.ones((1, 2)), tf.constant([1])))
    assert variable.numpy()[[0, 2]].tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert (variable.numpy()[1] < 1.0).all()


def test_a_hashed_table_gives_each_number_one_row_and_spreads_them() -> None:
    layer = HashedEmbedding(1_000, 2)
    layer.build((None,))
    rows = layer.rows(tf.range(2**31 - 50_001, 2**31 - 1)).numpy()
    assert (rows >= 1).all()
    assert (rows < 1_000).all()
    assert np.bincount(rows, minlength=1_000)[1:].max() < 3 * 50
    assert layer.rows(tf.constant([0, 7, 7])).numpy().tolist()[0] == 0
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(tf.constant([[5, 6], [5, 0]])))
    assert isinstance(tape.gradient(loss, layer.vectors.value), tf.IndexedSlices)


@pytest.mark.slow
def test_a_model_with_a_hashed_table_is_trained(sets: ExampleSets) -> None:
    shop = training_shop()
    config = dataclasses.replace(tiny_plan().model, hashed_item_rows=40)
    plan = dataclasses.replace(tiny_plan(), model=config, epochs=1)
    fit = fit_model(shop.table.item_nos, sets, shop.catalog.items, plan, NoProgress())
    table = fit.model.tower.table.numpy()
    assert table.shape == (40, config.width + 1)
    assert np.isfinite(table).all()
    assert np.count_nonzero(np.abs(table).sum(axis=1)) > 30
    assert np.isfinite(fit.judged).all()
