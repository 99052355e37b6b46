"""After how long people buy the candidate again, and whether that time is over for this user."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.ranker.inputs.features.context import Context

DECLARATIONS: Final = (
    FeatureDeclaration(
        "item_interval_log",
        "ln(1 + mean days from anyone's purchase of it to the next), the mean of its leaf category counting as three.",
        "-1: nobody bought it again, nor its leaf category",
    ),
    FeatureDeclaration(
        "item_interval_surprise",
        "ln(1 + days since the user bought it last) less item_interval_log.",
        "0: never bought, or no interval known",
    ),
    FeatureDeclaration("leaf_interval_log", "ln(1 + mean of such days in its leaf category).", "-1: not known"),
    FeatureDeclaration(
        "leaf_purchases_per_buyer_log",
        "ln(purchases over buyers of an item, in its leaf category): 0 where nothing is bought again.",
        "0",
    ),
)

NAMES: Final = tuple(declaration.name for declaration in DECLARATIONS)

UNKNOWN: Final = -1.0
LEAF_INTERVALS: Final = 3.0
"""As how many intervals of the item's own the mean of its leaf category counts."""


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,)."""
    items, rows = context.items, context.rows
    buyers, intervals, days = items.repurchases.of(context.leaf_nos)
    known = intervals > 0
    leaf_mean = days / np.maximum(intervals, 1.0)
    own = items.interval_counts[rows].astype(np.float64)
    own_days = own * items.mean_interval_days[rows]
    weight = np.where(known, LEAF_INTERVALS, 0.0)
    mean = (own_days + weight * leaf_mean) / np.maximum(own + weight, 1.0)
    interval = np.where(known | (own > 0), np.log1p(mean), UNKNOWN)
    since = np.log1p(context.days_since_purchase)
    return [
        interval,
        np.where((context.last_purchases > 0) & (interval >= 0.0), since - interval, 0.0),
        np.where(known, np.log1p(leaf_mean), UNKNOWN),
        np.log((intervals + buyers + 1.0) / (buyers + 1.0)),
    ]
