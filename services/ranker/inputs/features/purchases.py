"""How often and how long ago the user bought the candidate, and whether it is due again."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.ranker.inputs.features.context import LONGEST_DAYS, Context
from services.ranker.inputs.user_columns import MILLIS_PER_DAY

DECLARATIONS: Final = (
    FeatureDeclaration("bought", "1: the user bought the candidate and kept it.", "0"),
    FeatureDeclaration("purchases_log", "ln(1 + purchases of the candidate).", "0"),
    FeatureDeclaration("purchases_decayed_60d_log", "ln(1 + purchases decayed with a half-life of 60 days).", "0"),
    FeatureDeclaration("days_since_purchase_log", "ln(1 + days since the last purchase).", "ln(1 + 730): never"),
    FeatureDeclaration("bought_again", "1: it was bought more than once, at different times.", "0"),
    FeatureDeclaration(
        "interval_days_log", "ln of the mean days between its purchases; 30 days where it was bought once.", "ln 30"
    ),
    FeatureDeclaration(
        "repurchase_due_ratio", "Time since the last purchase over the mean interval, at most 4; 1 when it is due.", "4"
    ),
    FeatureDeclaration("overdue", "How far from being due: |ln repurchase_due_ratio|.", "3"),
    FeatureDeclaration(
        "purchase_rate_log", "ln(1 + 100 × purchases a day since the first, as if one more came now).", "0"
    ),
    FeatureDeclaration(
        "purchases_decayed_60d", "Purchases decayed with a half-life of 60 days, at most 12.", "0", "purchases"
    ),
)

NAMES: Final = tuple(declaration.name for declaration in DECLARATIONS)

USUAL_INTERVAL_DAYS: Final = 30.0
"""The interval of an item bought once; `bought_again` distinguishes the two cases."""

LARGEST_DUE_RATIO: Final = 4.0
MOST_PURCHASES: Final = 12.0


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,).

    The due ratio is the time since the last purchase over the mean interval between purchases: 1 when it is due.
    """
    count = context.counter("purchases")
    first, last = context.counter("first_purchase_millis"), context.last_purchases
    bought = last > 0
    days = context.days_since_purchase
    again = bought & (count > 1) & (last > first)
    span = np.maximum(last - first, 0.0) / MILLIS_PER_DAY
    interval = np.where(again, span / np.maximum(count - 1, 1), USUAL_INTERVAL_DAYS)
    interval = np.clip(interval, 0.5, LONGEST_DAYS)
    due_ratio = np.where(bought, np.minimum(days / interval, LARGEST_DUE_RATIO), LARGEST_DUE_RATIO)
    # Purchases a day since the first, as if one more came now: finite from the first one on.
    rate = np.where(bought, count / (context.days_since(first) + 7.0), 0.0)
    return [
        bought.astype(np.float64),
        np.log1p(count),
        np.log1p(context.counter("decayed_purchases")),
        np.log1p(days),
        again.astype(np.float64),
        np.log(interval),
        due_ratio,
        np.where(bought, np.abs(np.log(np.maximum(due_ratio, 0.05))), 3.0),
        np.log1p(100.0 * rate),
        np.minimum(context.counter("decayed_purchases"), MOST_PURCHASES),
    ]
