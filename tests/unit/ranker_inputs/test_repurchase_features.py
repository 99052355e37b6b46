"""After how long anyone buys an item again, beside when the user bought it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.features.definitions.user_state import UserState
from services.ranker.inputs.candidate_features import FEATURE_NAMES, candidate_features
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.user_columns import UserColumns
from tests.support.training_shop import DAY, END, purchase, training_catalog


def columns(intervals: dict[int, tuple[int, float]], buyers: int = 2) -> ItemColumns:
    """Items of which so many were bought again, after so many days. 1, 7 and 13 share a leaf, 2 and 8 another."""
    items = training_catalog().items
    item_nos = np.array(list(intervals))
    counts, days = zip(*intervals.values(), strict=True)
    items.set_statistics(
        item_nos,
        END,
        {
            "interval_counts": counts,
            "mean_interval_days": days,
            "buyer_counts": [buyers] * len(item_nos),
        },
    )
    return items


def values(items: ItemColumns, name: str, candidates: list[int], bought_days_ago: float = 7.0) -> NDArray[np.float32]:
    """A feature for a user who bought item 1."""
    state = UserState()
    state.apply(purchase(1, END - round(bought_days_ago * DAY)))
    user = UserColumns.from_proto(state.features(END))
    return candidate_features(user, items, np.array(candidates), END)[:, FEATURE_NAMES.index(name)]


def test_an_item_bought_again_by_few_is_as_its_leaf() -> None:
    items = columns({1: (6, 20.0), 7: (2, 4.0)})
    leaf = (6 * 20 + 2 * 4) / 8
    expected = [(6 * 20 + 3 * leaf) / 9, (2 * 4 + 3 * leaf) / 5, leaf]
    assert values(items, "item_interval_log", [1, 7, 13]) == pytest.approx(np.log1p(expected))
    assert values(items, "leaf_interval_log", [1, 7, 13]) == pytest.approx([np.log1p(leaf)] * 3)


def test_what_nobody_bought_again_has_no_interval() -> None:
    items = columns({1: (6, 20.0), 2: (0, -1.0)})
    assert values(items, "item_interval_log", [2, 8, 3, 4_000_000_000]).tolist() == [-1.0] * 4
    assert values(items, "leaf_interval_log", [2, 8, 3, 4_000_000_000]).tolist() == [-1.0] * 4
    assert values(items, "leaf_purchases_per_buyer_log", [2, 8, 3]).tolist() == [0.0] * 3


@pytest.mark.parametrize(("ago", "sign"), [(1.0, -1), (20.0, 0), (90.0, 1)])
def test_it_is_a_surprise_how_long_the_user_waits(ago: float, sign: int) -> None:
    items = columns({1: (6, 20.0), 7: (6, 20.0)})
    surprise, unbought = values(items, "item_interval_surprise", [1, 7], bought_days_ago=ago)
    assert surprise == pytest.approx(np.log1p(ago) - np.log1p(20.0), abs=1e-5)
    assert np.sign(round(float(surprise), 4)) == sign
    assert unbought == 0.0


def test_a_leaf_whose_items_are_bought_again_and_again() -> None:
    items = columns({1: (6, 20.0), 7: (3, 4.0)}, buyers=2)
    assert values(items, "leaf_purchases_per_buyer_log", [13]) == pytest.approx([np.log((9 + 4 + 1) / (4 + 1))])
