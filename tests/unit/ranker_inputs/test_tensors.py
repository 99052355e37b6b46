import numpy as np
import pytest

from services.features.definitions.user_state import UserState
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.inputs.item_text import TOKEN_SLOTS
from services.ranker.inputs.tensors import encode_item_inputs, encode_user_inputs, padded_size, rank_inputs
from services.ranker.inputs.user_columns import UserColumns
from services.ranker.training.examples.examples import ExampleWriter
from services.ranker.training.examples.next_visit import Visit
from services.ranker.training.shop.catalog import TrainingCatalog
from tests.support.training_shop import DAY, END, catalog_change, purchase, training_catalog

ITEMS = training_catalog().items


def user_of(*days: float) -> UserColumns:
    state = UserState()
    for item, age in enumerate(days, 1):
        state.apply(purchase(item, round(END - age * DAY)))
    return UserColumns.from_proto(state.features(END))


def test_history_is_the_last_events_padded_in_front() -> None:
    tensors = encode_user_inputs(user_of(3, 2, 1), ITEMS, END, 5)
    assert tensors["history_item_nos"].tolist() == [[0, 0, 1, 2, 3]]
    assert tensors["history_types"].tolist() == [[0, 0, 7, 7, 7]]
    assert tensors["history_ages"][0] == pytest.approx([0, 0, 3, 2, 1])
    assert encode_user_inputs(user_of(3, 2, 1), ITEMS, END, 2)["history_item_nos"].tolist() == [[2, 3]]


def test_events_after_the_query_are_not_history() -> None:
    assert encode_user_inputs(user_of(3, 2, 1), ITEMS, END - 2 * DAY, 3)["history_item_nos"].tolist() == [[0, 1, 2]]


def test_a_user_without_events_has_padding_alone() -> None:
    tensors = encode_user_inputs(user_of(), ITEMS, END, 4)
    assert tensors["history_types"].tolist() == [[0, 0, 0, 0]]
    assert (tensors["history_log_prices"] == -1).all()


def test_candidates_are_padded_to_the_next_size_and_number_0() -> None:
    tensors = rank_inputs(user_of(1), ITEMS, np.array([5, 4_000_000_000], np.uint32), END, 8)
    assert tensors["candidate_item_nos"].shape == (1, 64)
    assert tensors["candidate_item_nos"][0, :3].tolist() == [5, 2**31 - 1, 0]
    assert tensors["candidate_features"].shape == (1, 64, len(FEATURE_NAMES))
    assert not tensors["candidate_features"][0, 2:].any()


@pytest.mark.parametrize(("count", "size"), [(1, 64), (64, 64), (65, 128), (300, 320), (2_000, 2_048), (3_000, 3_000)])
def test_sizes_are_few(count: int, size: int) -> None:
    assert padded_size(count) == size


def test_more_candidates_than_the_size_is_a_callers_error() -> None:
    with pytest.raises(ValueError, match="3 candidates do not fit into 2"):
        rank_inputs(user_of(1), ITEMS, np.array([1, 2, 3]), END, 8, 2)


def test_item_inputs_carry_the_content() -> None:
    tensors = encode_item_inputs(ITEMS, np.array([1, 4_000_000_000], np.uint32))
    assert tensors["category_nos"].tolist() == [[1, 2, 11], [0, 0, 0]]
    assert tensors["brand_nos"].tolist() == [2, 0]


def test_every_item_of_the_inputs_brings_its_tokens() -> None:
    catalog = TrainingCatalog()
    catalog.apply([catalog_change(item_no, title=f"Tea {item_no}") for item_no in (1, 2, 3)])
    items = catalog.items
    tensors = rank_inputs(user_of(2, 1), items, np.array([3, 4_000_000_000], np.uint32), END, 4)
    assert tensors["history_token_nos"].shape == (1, 4, TOKEN_SLOTS)
    assert np.array_equal(tensors["history_token_nos"][0, 2:], items.token_nos[[1, 2]])
    assert not tensors["history_token_nos"][0, :2].any()
    assert np.array_equal(tensors["candidate_token_nos"][0, :2], items.token_nos[[3, 0]])
    assert np.array_equal(encode_item_inputs(items, np.array([2]))["token_nos"], items.token_nos[[2]])


def test_training_sees_the_tensors_that_serving_sends() -> None:
    catalog = TrainingCatalog()
    catalog.apply([catalog_change(item_no, title=f"Tea {item_no}", price=3.0) for item_no in (1, 2, 3)])
    item_nos, user = np.array([3, 1]), user_of(2, 1)
    writer = ExampleWriter(1, 64, 4, catalog.items)
    writer.add(user, END, Visit(np.array([3]), np.ones((1, 4), np.float32)), item_nos)
    trained, served = writer.finish().rank_inputs(slice(1)), rank_inputs(user, catalog.items, item_nos, END, 4, 64)
    assert trained.keys() == served.keys()
    for name, tensor in served.items():
        assert trained[name].dtype == tensor.dtype, name
        real = np.s_[:, :2] if name.startswith("candidate_") else np.s_[:]
        assert np.array_equal(trained[name][real], tensor[real]), name
