import numpy as np
import tensorflow as tf

from services.ranker.inputs.item_text import item_tokens
from services.ranker.inputs.tensors import Tensors
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.training.examples.example_builder import ExampleSets


def batch_of(sets: ExampleSets, count: int = 3) -> Tensors:
    return sets.validation.rank_inputs(np.arange(count))


def run(model: BehaviorModel, batch: Tensors) -> np.ndarray:
    probabilities: np.ndarray = model({name: tf.constant(array) for name, array in batch.items()}).numpy()
    return probabilities


def test_a_candidate_does_not_depend_on_its_neighbors_or_on_padding(model: BehaviorModel, sets: ExampleSets) -> None:
    batch = batch_of(sets)
    alone = {name: array[:, :1] if name.startswith("candidate_") else array for name, array in batch.items()}
    assert np.allclose(run(model, batch)[:, :1], run(model, alone), atol=1e-6)


def test_a_user_does_not_depend_on_the_others_of_the_batch(model: BehaviorModel, sets: ExampleSets) -> None:
    batch = batch_of(sets)
    first = {name: array[:1] for name, array in batch.items()}
    assert np.allclose(run(model, batch)[:1], run(model, first), atol=1e-6)


def test_nothing_known_gives_probabilities(model: BehaviorModel, sets: ExampleSets) -> None:
    empty = {name: np.zeros_like(array) for name, array in batch_of(sets).items()}
    probabilities = run(model, empty)
    assert np.isfinite(probabilities).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_numbers_that_training_did_not_meet_are_all_alike(model: BehaviorModel, sets: ExampleSets) -> None:
    batch = batch_of(sets)
    outputs = []
    for item_no in (61, 5_000, np.iinfo(np.int32).max):
        batch["candidate_item_nos"][:] = item_no
        outputs.append(run(model, batch))
    assert np.array_equal(outputs[0], outputs[1])
    assert np.array_equal(outputs[0], outputs[2])


def test_an_item_that_was_not_met_is_its_content(model: BehaviorModel) -> None:
    def vector(item_no: int, leaf: int, title: str = "") -> np.ndarray:
        columns = {
            "item_nos": tf.constant([item_no]),
            "category_nos": tf.constant([[1, 2, leaf]]),
            "brand_nos": tf.constant([1]),
            "log_prices": tf.constant([1.0]),
            "token_nos": tf.constant([item_tokens(title, {})], tf.uint16),
        }
        result: np.ndarray = model.item_vectors(columns, "").numpy()
        return result

    assert np.array_equal(vector(900, 11), vector(901, 11))
    assert not np.array_equal(vector(900, 11), vector(900, 12))
    assert not np.array_equal(vector(1, 11), vector(900, 11))
    assert np.array_equal(vector(900, 11, "Green tea"), vector(901, 11, "GREEN TEA"))
    assert not np.array_equal(vector(900, 11, "Green tea"), vector(900, 11))


def test_no_event_sees_a_later_one(model: BehaviorModel, sets: ExampleSets) -> None:
    batch = batch_of(sets)
    batch["history_ages"][:] = np.arange(16, 0, -1, dtype=np.float32)
    batch["history_types"][:] = 7

    def states() -> np.ndarray:
        result: np.ndarray = model.encode_history({name: tf.constant(array) for name, array in batch.items()})[
            1
        ].numpy()
        return result

    before = states()
    batch["history_item_nos"][:, 10:] = 17
    batch["history_types"][:, 10:] = 1
    after = states()
    assert np.allclose(before[:, :10], after[:, :10], atol=1e-6)
    assert not np.allclose(before[:, 10:], after[:, 10:], atol=1e-6)


def test_events_of_one_moment_see_each_other(model: BehaviorModel, sets: ExampleSets) -> None:
    batch = batch_of(sets)
    batch["history_ages"][:] = 3.0
    batch["history_types"][:] = 7

    def first_state() -> np.ndarray:
        states = model.encode_history({name: tf.constant(array) for name, array in batch.items()})[1]
        result: np.ndarray = states[:, 0].numpy()
        return result

    before = first_state()
    batch["history_item_nos"][:, -1] += 1
    assert not np.allclose(before, first_state(), atol=1e-7)


def test_the_score_of_an_item_is_a_dot_product_with_its_bias(model: BehaviorModel, sets: ExampleSets) -> None:
    tensors = {name: tf.constant(array) for name, array in batch_of(sets).items()}
    user = model.user_vectors(model.encode_history(tensors)[1][:, -1]).numpy()
    assert user.shape == (3, model.config.width + 1)
    assert (user[:, -1] == 1.0).all()
