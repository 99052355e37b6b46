"""How often and how long ago the user bought the candidate, and whether it is due again."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.features.context import LONGEST_DAYS, Context
from services.ranker.inputs.user_columns import MILLIS_PER_DAY

NAMES: Final = (
    "bought",
    "purchases_log",
    "purchases_decayed_60d_log",
    "days_since_purchase_log",
    "bought_again",
    "interval_days_log",
    "dueness",
    "overdue",
    "purchase_rate_log",
    "purchases_decayed_60d",
)

USUAL_INTERVAL_DAYS: Final = 30.0
"""Stands for the interval of what was bought once; `bought_again` tells the two apart."""

LATEST_DUENESS: Final = 4.0
MOST_PURCHASES: Final = 12.0


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,).

    Dueness is the time since the last purchase over the mean interval between purchases: 1 when it is due.
    """
    count = context.counter("purchases")
    first, last = context.counter("first_purchase_millis"), context.counter("last_purchase_millis")
    bought = last > 0
    days = context.days_since(last)
    again = bought & (count > 1) & (last > first)
    span = np.maximum(last - first, 0.0) / MILLIS_PER_DAY
    interval = np.where(again, span / np.maximum(count - 1, 1), USUAL_INTERVAL_DAYS)
    interval = np.clip(interval, 0.5, LONGEST_DAYS)
    dueness = np.where(bought, np.minimum(days / interval, LATEST_DUENESS), LATEST_DUENESS)
    # Purchases a day since the first, as if one more came now: finite from the first one on.
    rate = np.where(bought, count / (context.days_since(first) + 7.0), 0.0)
    return [
        bought.astype(np.float64),
        np.log1p(count),
        np.log1p(context.counter("decayed_purchases")),
        np.log1p(days),
        again.astype(np.float64),
        np.log(interval),
        dueness,
        np.where(bought, np.abs(np.log(np.maximum(dueness, 0.05))), 3.0),
        np.log1p(100.0 * rate),
        np.minimum(context.counter("decayed_purchases"), MOST_PURCHASES),
    ]
