import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.ranker.value import ValueModel
from vitrine.ranker.v1.ranker_service_pb2 import Action

WEIGHTS = {Action.ACTION_CLICK: 1.0, Action.ACTION_PURCHASE: 4.0}
ITEMS = np.array([1, 2, 3], np.uint32)


def test_it_is_the_weighted_sum_and_an_action_without_weight_counts_for_nothing() -> None:
    values, non_finite = ValueModel(WEIGHTS).values(
        ITEMS,
        {
            Action.ACTION_CLICK: np.array([0.5, 0.25, 0.0], np.float32),
            Action.ACTION_PURCHASE: np.array([0.0, 0.25, 0.5], np.float32),
            Action.ACTION_FAVORITE: np.ones(3, np.float32),
        },
    )
    assert values.tolist() == [0.5, 1.25, 2.0]
    assert non_finite == 0


def test_an_unknown_factor_does_not_depend_on_the_neighbors() -> None:
    factors = np.array([np.nan, 10.0, 2.0], np.float32)
    model = ValueModel(WEIGHTS, lambda item_nos: factors[item_nos - 1], unknown_factor=3.0)
    values, _ = model.values(ITEMS, {Action.ACTION_CLICK: np.full(3, 0.5, np.float32)})
    assert values.tolist() == [1.5, 5.0, 1.0]


@given(st.lists(st.floats(width=32), min_size=1, max_size=20))
def test_values_are_finite_and_what_is_not_has_the_least(column: list[float]) -> None:
    probabilities = np.array(column, np.float32)
    values, non_finite = ValueModel(WEIGHTS).values(
        np.arange(1, len(column) + 1, dtype=np.uint32), {Action.ACTION_CLICK: probabilities}
    )
    finite = np.isfinite(probabilities)
    assert np.isfinite(values).all()
    assert non_finite == np.count_nonzero(~finite)
    if non_finite and finite.any() and values[finite].min() > -3e38:
        assert values[~finite].max() < values[finite].min()
