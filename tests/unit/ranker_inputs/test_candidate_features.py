import numpy as np
import pytest
from numpy.typing import NDArray

from services.features.definitions.observation import Observation
from services.features.definitions.user_state import UserState
from services.ranker.inputs.candidate_features import FEATURE_NAMES, candidate_features
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.user_columns import UserColumns
from tests.support.training_shop import DAY, END, purchase, training_catalog
from vitrine.events.v1.event_pb2 import EVENT_TYPE_IMPRESSION, EVENT_TYPE_VIEW
from vitrine.features.v1.user_features_pb2 import UserFeatures


@pytest.fixture
def items() -> ItemColumns:
    return training_catalog().items


def user_of(*observations: Observation, query_millis: int = END) -> UserColumns:
    state = UserState()
    for observation in observations:
        state.apply(observation)
    return UserColumns.from_proto(state.features(query_millis))


def feature(features: NDArray[np.float32], name: str) -> list[float]:
    values: list[float] = features[:, FEATURE_NAMES.index(name)].tolist()
    return values


def test_every_column_has_a_name_of_its_own(items: ItemColumns) -> None:
    features = candidate_features(user_of(), items, np.array([1, 2]), END)
    assert features.shape == (2, len(FEATURE_NAMES))
    assert features.dtype == np.float32
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)


def test_nothing_known_of_user_and_items_gives_finite_defaults() -> None:
    user = UserColumns.from_proto(UserFeatures())
    features = candidate_features(user, ItemColumns(), np.array([0, 7, 4_000_000_000], np.uint32), END)
    assert np.isfinite(features).all()
    assert feature(features, "price_missing") == [1.0, 1.0, 1.0]
    assert feature(features, "price_profile_missing") == [1.0, 1.0, 1.0]
    assert feature(features, "bought") == [0.0, 0.0, 0.0]


def test_an_empty_list_of_candidates_gives_no_rows(items: ItemColumns) -> None:
    assert candidate_features(user_of(), items, np.zeros(0, np.uint32), END).shape == (0, len(FEATURE_NAMES))


def test_a_candidate_does_not_depend_on_its_neighbors(items: ItemColumns) -> None:
    user = user_of(purchase(1, END - 3 * DAY), purchase(7, END - 9 * DAY), purchase(1, END - 10 * DAY))
    together = candidate_features(user, items, np.array([7, 1, 50, 1]), END)
    alone = candidate_features(user, items, np.array([1]), END)
    assert np.array_equal(together[1], alone[0])
    assert np.array_equal(together[3], alone[0])


def test_a_weekly_purchase_is_due_after_a_week(items: ItemColumns) -> None:
    weekly = [purchase(1, END - days * DAY) for days in (21, 14, 7)]
    fresh = [purchase(2, END - days * DAY) for days in (15, 8, 1)]
    features = candidate_features(user_of(*weekly, *fresh), items, np.array([1, 2, 3]), END)
    due, early, never = feature(features, "repurchase_due_ratio")
    assert due == pytest.approx(1.0)
    assert early == pytest.approx(1 / 7)
    assert never == 4.0


def test_lines_of_one_visit_count_once_in_shares_of_visits(items: ItemColumns) -> None:
    first, second = END - 8 * DAY, END - 2 * DAY
    user = user_of(purchase(1, first), purchase(2, first + 60_000), purchase(1, first + 120_000), purchase(2, second))
    features = candidate_features(user, items, np.array([1, 2, 3]), END)
    assert feature(features, "share_of_visits") == pytest.approx([0.5, 1.0, 0.0])
    assert feature(features, "bought_in_last_1_visits") == [0.0, 1.0, 0.0]


def test_items_of_the_same_leaf_share_its_purchases_and_others_do_not(items: ItemColumns) -> None:
    features = candidate_features(user_of(purchase(1, END - DAY)), items, np.array([7, 2]), END)
    same_leaf, other_leaf = feature(features, "leaf_purchases_log")
    assert same_leaf > 0.0
    assert other_leaf == 0.0


def test_impressions_since_the_last_event_count(items: ItemColumns) -> None:
    moments = [(item, END - ago) for item in (1, 2) for ago in (3, 5)]
    shown = [Observation(EVENT_TYPE_IMPRESSION, item, millis, f"{item}-{millis}") for item, millis in moments]
    user = user_of(*shown, Observation(EVENT_TYPE_VIEW, 2, END - 1))
    features = candidate_features(user, items, np.array([1, 2, 3]), END)
    assert feature(features, "impressions_log") == pytest.approx([np.log(3), 0.0, 0.0])


def test_columns_of_a_broken_message_are_cut_to_the_shortest(items: ItemColumns) -> None:
    user = UserFeatures()
    user.counters.item_nos.extend([1, 2, 3])
    user.counters.purchase_counts.extend([1])
    user.recent.item_nos.extend([1, 2])
    assert np.isfinite(candidate_features(UserColumns.from_proto(user), items, np.array([1, 2]), END)).all()


def test_counters_may_come_in_any_order(items: ItemColumns) -> None:
    message = UserState()
    for item in (3, 1, 2):
        message.apply(purchase(item, END - item * DAY))
    ordered = message.features(END)
    shuffled = UserFeatures()
    shuffled.CopyFrom(ordered)
    for descriptor, column in ordered.counters.ListFields():
        del getattr(shuffled.counters, descriptor.name)[:]
        getattr(shuffled.counters, descriptor.name).extend(reversed(column))
    candidates = np.array([1, 2, 3, 4])
    assert np.array_equal(
        candidate_features(UserColumns.from_proto(ordered), items, candidates, END),
        candidate_features(UserColumns.from_proto(shuffled), items, candidates, END),
    )


def test_floats_of_a_broken_message_do_not_spread(items: ItemColumns) -> None:
    state = UserState()
    state.apply(purchase(1, END - DAY))
    message = state.features(END)
    message.counters.decayed_purchases[0] = float("nan")
    message.prices.mean_log_price = float("inf")
    assert np.isfinite(candidate_features(UserColumns.from_proto(message), items, np.array([1, 2]), END)).all()
