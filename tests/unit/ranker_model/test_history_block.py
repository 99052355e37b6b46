import numpy as np
import pytest
import tensorflow as tf

from services.ranker.model.history_block import HistoryBlock

LENGTH, WIDTH = 6, 4


def block_of(distances: int) -> HistoryBlock:
    block = HistoryBlock(WIDTH, 2, distances, 0.0, seed=1)
    block.build((None, None, WIDTH))
    for weights in block.trainable_variables:
        if weights.path.endswith("kernel"):
            weights.assign(np.random.default_rng(3).normal(size=weights.shape))  # as if it had learned
    return block


def run(block: HistoryBlock, events: np.ndarray) -> np.ndarray:
    places = np.arange(LENGTH)
    visible = tf.constant((places[None, :] <= places[:, None])[None])
    result: np.ndarray = block(tf.constant(events), visible, tf.zeros((1, LENGTH, LENGTH))).numpy()
    return result


def events_of() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(1, LENGTH, WIDTH)).astype(np.float32)


def weight_of(block: HistoryBlock, name: str) -> tf.Variable:
    return next(variable for variable in block.trainable_variables if variable.name == name)


def test_distances_count_nothing_before_they_are_learned() -> None:
    assert run(block_of(0), events_of()) == pytest.approx(run(block_of(3), events_of()))


def test_a_block_that_learned_nothing_adds_nothing() -> None:
    block = HistoryBlock(WIDTH, 2, 3, 0.0, seed=1)
    block.build((None, None, WIDTH))
    assert run(block, events_of()) == pytest.approx(events_of())


def test_without_distances_a_block_has_no_weights_for_them() -> None:
    assert len(block_of(0).weights) == len(block_of(3).weights) - 1


@pytest.mark.parametrize(("distance", "seen"), [(1, {4}), (2, {0, 1, 2, 3})], ids=["the event before", "all further"])
def test_an_event_counts_by_how_far_back_it_lies(distance: int, seen: set[int]) -> None:
    block, events = block_of(3), events_of()
    nearness = np.zeros((3, 2), np.float32)
    nearness[distance] = 50.0
    weight_of(block, "nearness").assign(nearness)
    before = run(block, events)[0, -1]
    for place in range(LENGTH - 1):
        changed = events.copy()
        changed[0, place] += 1.0 * np.arange(WIDTH)
        assert np.allclose(run(block, changed)[0, -1], before, atol=1e-6) == (place not in seen)
