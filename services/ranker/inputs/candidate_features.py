"""The features of a user's candidates: the same for serving and training."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.common.numeric import finite_or
from services.ranker.inputs.features import (
    baskets,
    category_affinity,
    habits,
    interest,
    intervals,
    leaf_visits,
    popularity,
    price_fit,
    purchases,
    repurchases,
    small_visits,
)
from services.ranker.inputs.features.context import Context
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.user_columns import UserColumns

FAMILIES: Final = (
    purchases,
    repurchases,
    intervals,
    baskets,
    small_visits,
    interest,
    category_affinity,
    leaf_visits,
    popularity,
    price_fit,
    habits,
)

_PLAIN: Final = tuple(name for family in FAMILIES for name in family.NAMES)

CROSSED: Final = (
    "popularity_1d_log",
    "popularity_7d_log",
    "popularity_30d_log",
    "buyers_log",
    "leaf_purchases_decayed_log",
    "leaf_purchases_log",
    "leaf_days_since_purchase_log",
    "leaf_repurchase_due_ratio",
    "second_purchases_decayed_log",
    "second_days_since_purchase_log",
    "brand_purchases_decayed_log",
    "group_purchases_decayed_log",
    "group_days_since_purchase_log",
    "leaf_affinity_share",
    "root_affinity_share",
    "brand_affinity_share",
)
"""Features that matter much for an item the user never bought, and little for one they did: a linear scorer needs a
separate weight for each case."""

FEATURE_NAMES: Final[tuple[str, ...]] = (*_PLAIN, *(f"bought_x_{name}" for name in CROSSED))
"""The columns of `candidate_features`, in order: part of every model's contract."""

_BOUGHT: Final = _PLAIN.index("bought")
_CROSSED: Final = [_PLAIN.index(name) for name in CROSSED]


def candidate_features(
    user: UserColumns, items: ItemColumns, item_nos: NDArray[Any], query_millis: int
) -> NDArray[np.float32]:
    """Returns the features of each candidate, shape (n, len(FEATURE_NAMES)), all finite.

    Missing values have a declared default: counts are 0, what never happened is LONGEST_DAYS ago, an unknown price
    fits; indicators ("bought", "price_missing", "price_profile_missing") say so. Unknown items have the user's features
    and defaults for the rest.
    """
    context = Context(user, items, np.asarray(item_nos, np.int64), query_millis)
    features = np.empty((len(context.item_nos), len(FEATURE_NAMES)), np.float32)
    column = 0
    for family in FAMILIES:
        for values in family.compute(context):
            features[:, column] = values
            column += 1
    features[:, column:] = features[:, _CROSSED] * features[:, _BOUGHT, None]
    return finite_or(features, 0.0).astype(np.float32, copy=False)
