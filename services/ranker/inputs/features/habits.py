"""The user's shopping habits: the same for all candidates, so that the model can weight the other features by them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.ranker.inputs.features.context import LONGEST_DAYS, Context

DECLARATIONS: Final = (
    FeatureDeclaration("events_log", "ln(1 + events of the user).", "0"),
    FeatureDeclaration("visits_log", "ln(1 + visits with a purchase).", "0"),
    FeatureDeclaration("days_between_visits_log", "ln(1 + mean days between visits).", "0: fewer than two"),
    FeatureDeclaration("days_since_visit_log", "ln(1 + days since the last visit).", "ln(1 + 730): never"),
    FeatureDeclaration("items_per_visit_log", "ln(1 + items a visit).", "0"),
    FeatureDeclaration("items_per_recent_visit_log", "ln(1 + items a visit, of the last five visits).", "0"),
    FeatureDeclaration("visits_in_last_30_days_log", "ln(1 + visits of the last 30 days).", "0"),
    FeatureDeclaration("visit_due_ratio", "Days since the last visit over the mean between visits, at most 6.", "6"),
    FeatureDeclaration("share_of_repeats", "Share of what was bought that was bought before.", "0"),
)

NAMES: Final = tuple(declaration.name for declaration in DECLARATIONS)

RECENT_VISITS: Final = 5
RECENT_DAYS: Final = 30.0
LARGEST_DUE_RATIO: Final = 6.0


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,)."""
    user, visits = context.user, context.visits
    last = context.days_since(visits.starts[-1:])
    since = float(last[0]) if len(last) else LONGEST_DAYS
    bought = len(visits.item_nos)
    distinct = int(np.count_nonzero(np.diff(visits.item_nos, prepend=0)))
    values = (
        np.log1p(user.event_count),
        np.log1p(visits.count),
        np.log1p(visits.mean_gap_days),
        np.log1p(since),
        np.log1p(bought / max(visits.count, 1)),
        np.log1p(visits.sizes[-RECENT_VISITS:].mean() if visits.count else 0.0),
        np.log1p(np.count_nonzero(context.days_since(visits.starts) < RECENT_DAYS)),
        min(since / max(visits.mean_gap_days, 0.25), LARGEST_DUE_RATIO),
        1.0 - distinct / bought if bought else 0.0,
    )
    return [np.full(len(context.item_nos), value) for value in values]
