"""What all users do to the candidate, and how new it is."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.features.context import Context

NAMES: Final = (
    "popularity_1d_log",
    "popularity_7d_log",
    "popularity_30d_log",
    "trend",
    "buyers_log",
    "purchases_per_buyer_log",
    "all_views_log",
    "age_days_log",
    "new",
)

NEW_DAYS: Final = 30.0


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,). An item of unknown age is old."""
    items, rows = context.items, context.rows
    day, week, month = (items.decayed(days, rows, context.query_millis).astype(np.float64) for days in (1, 7, 30))
    buyers = items.buyer_counts[rows].astype(np.float64)
    age = context.days_since(items.available_millis[rows])
    return [
        np.log1p(day),
        np.log1p(week),
        np.log1p(month),
        # 0 while sales are steady: a decayed sum grows with its half-life.
        np.log((week + 1.0) / 7.0) - np.log((month + 1.0) / 30.0),
        np.log1p(buyers),
        np.log((items.purchase_counts[rows] + 2.0) / (buyers + 2.0)),
        np.log1p(items.view_counts[rows].astype(np.float64)),
        np.log1p(age),
        (age < NEW_DAYS).astype(np.float64),
    ]
