import numpy as np
import pytest

from services.features.definitions.user_state import UserState
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.inputs.tensors import encode_item_inputs, encode_user_inputs, padded_size, rank_inputs
from services.ranker.inputs.user_columns import UserColumns
from tests.support.training_shop import DAY, END, purchase, training_catalog

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
