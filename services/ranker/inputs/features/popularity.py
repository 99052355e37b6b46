"""The candidate's popularity with all users, and how new it is."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.ranker.inputs.features.context import Context

DECLARATIONS: Final = (
    FeatureDeclaration("popularity_1d_log", "ln(1 + all users' events by strength, half-life 1 day).", "0"),
    FeatureDeclaration("popularity_7d_log", "ln(1 + all users' events by strength, half-life 7 days).", "0"),
    FeatureDeclaration("popularity_30d_log", "ln(1 + all users' events by strength, half-life 30 days).", "0"),
    FeatureDeclaration("trend", "ln of the week's rate over the month's: 0 while sales are steady.", "ln(30 / 7)"),
    FeatureDeclaration("buyers_log", "ln(1 + users who bought the candidate).", "0"),
    FeatureDeclaration("purchases_per_buyer_log", "ln((purchases + 2) / (buyers + 2)): what is bought again.", "0"),
    FeatureDeclaration("all_views_log", "ln(1 + all users' views).", "0"),
    FeatureDeclaration("age_days_log", "ln(1 + days since it became available).", "ln(1 + 730): unknown is old"),
    FeatureDeclaration("new", "1: it became available in the last 30 days.", "0"),
)

NAMES: Final = tuple(declaration.name for declaration in DECLARATIONS)

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
