"""The features that are made of whole visits: rhythm, small visits, leaf categories."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.features.definitions.observation import Observation
from services.features.definitions.user_state import UserState
from services.ranker.inputs.candidate_features import FEATURE_NAMES, candidate_features
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.user_columns import UserColumns
from services.ranker.inputs.visits import visit_weights
from tests.support.training_shop import DAY, END, purchase, training_catalog


@pytest.fixture
def items() -> ItemColumns:
    return training_catalog().items


def values(items: ItemColumns, name: str, candidates: list[int], *observations: Observation) -> NDArray[np.float32]:
    state = UserState()
    for observation in observations:
        state.apply(observation)
    user = UserColumns.from_proto(state.features(END))
    return candidate_features(user, items, np.array(candidates), END)[:, FEATURE_NAMES.index(name)]


def bought(item: int, *days: float) -> list[Observation]:
    return [purchase(item, END - round(ago * DAY)) for ago in days]


def test_the_rhythm_of_a_purchase_is_that_of_its_visits(items: ItemColumns) -> None:
    log = [*bought(1, 20, 10, 6), *bought(2, 9)]
    mean = (np.log1p(10) + np.log1p(4)) / 2
    assert values(items, "interval_log_mean", [1, 2, 3], *log) == pytest.approx([mean, -1.0, -1.0])
    spread = np.std([np.log1p(10), np.log1p(4)])
    assert values(items, "interval_log_deviation", [1, 2], *log) == pytest.approx([spread, -1.0], abs=1e-5)
    assert values(items, "last_interval_log", [1, 2], *log) == pytest.approx([np.log1p(4), -1.0])
    surprise = np.log1p(6) - mean
    assert values(items, "interval_surprise", [1, 2, 3], *log) == pytest.approx([surprise, 0.0, 0.0])


def test_visits_count_the_rhythm_too(items: ItemColumns) -> None:
    # Every second visit has item 1; the last one of all was without it.
    log = [*bought(1, 25, 15, 5), *bought(2, 20, 10, 1)]
    assert values(items, "interval_visits_log", [1], *log) == pytest.approx([np.log1p(2.0)])
    assert values(items, "visits_repurchase_due_ratio", [1, 3], *log) == pytest.approx([0.5, -1.0])


@pytest.mark.parametrize(("size", "weight"), [(0, 0.0), (1, 1.0), (2, 1 / (1 + 1 / np.log2(3))), (500, 0.2201)])
def test_a_visit_weighs_one_over_the_best_gain_of_its_list(size: int, weight: float) -> None:
    assert visit_weights(np.array([size])) == pytest.approx([weight], abs=1e-4)


def test_what_is_bought_alone_weighs_more(items: ItemColumns) -> None:
    log = [*bought(1, 30), *bought(2, 60), *bought(7, 60), *bought(8, 60)]
    alone, together, never = values(items, "visit_weight_mean", [1, 2, 3], *log)
    assert (alone, never) == (1.0, 0.0)
    assert together == pytest.approx(visit_weights(np.array([3]))[0])
    decayed = values(items, "visit_weight_decayed_60d", [1, 2], *log)
    assert decayed == pytest.approx([np.log1p(2**-0.5), np.log1p(together / 2)])
    assert values(items, "items_in_last_visit_log", [9], *log) == pytest.approx([np.log(2)])


def test_a_leaf_has_visits_of_its_own(items: ItemColumns) -> None:
    # 1 and 7 share a leaf; 2 has another.
    log = [*bought(1, 20, 10), *bought(7, 10), *bought(2, 5, 1)]
    assert values(items, "leaf_share_of_visits", [13, 2, 3], *log) == pytest.approx([0.5, 0.5, 0.0])
    assert values(items, "leaf_in_last_10_visits", [7], *log) == pytest.approx([0.2])
    assert values(items, "leaf_visits_since_log", [1, 3], *log) == pytest.approx([np.log(3), np.log(101)])
    assert values(items, "leaf_visits_repurchase_due_ratio", [1, 3], *log) == pytest.approx([1.0, 6.0])
    assert values(items, "leaf_choices_log", [1, 2, 3], *log) == pytest.approx([np.log(3), np.log(2), 0.0])


@pytest.mark.parametrize("candidates", [[1], [0], [4_000_000_000]])
def test_one_event_or_none_gives_numbers(items: ItemColumns, candidates: list[int]) -> None:
    for log in ([], bought(1, 3), bought(50_000, 3)):
        state = UserState()
        for observation in log:
            state.apply(observation)
        user = UserColumns.from_proto(state.features(END))
        assert np.isfinite(candidate_features(user, items, np.array(candidates), END)).all()
