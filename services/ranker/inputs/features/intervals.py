"""The candidate's own rhythm: the times between the visits in which the user bought it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.common.sorted_lookup import Totals, places, values_at
from services.ranker.inputs.features.context import Context
from services.ranker.inputs.user_columns import MILLIS_PER_DAY

DECLARATIONS: Final = (
    FeatureDeclaration(
        "interval_log_mean", "Mean of ln(1 + days between two visits that had it).", "-1: in fewer than two visits"
    ),
    FeatureDeclaration("interval_log_deviation", "Standard deviation of the same.", "-1: in fewer than two visits"),
    FeatureDeclaration("last_interval_log", "The last of them, ln(1 + days).", "-1: in fewer than two visits"),
    FeatureDeclaration(
        "interval_surprise",
        "ln(1 + days since the last visit that had it) less interval_log_mean.",
        "0: in fewer than two visits",
    ),
    FeatureDeclaration("interval_visits_log", "ln(1 + mean visits from one that had it to the next).", "0"),
    FeatureDeclaration(
        "visits_repurchase_due_ratio",
        "Visits since the last that had it over that mean, at most 6.",
        "-1: in fewer than two visits",
    ),
)

NAMES: Final = tuple(declaration.name for declaration in DECLARATIONS)

UNKNOWN: Final = -1.0
LARGEST_DUE_RATIO: Final = 6.0


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,)."""
    visits = context.visits
    # Rows are sorted by item, then time: a gap is between adjacent rows of one item.
    same = np.flatnonzero(visits.item_nos[1:] == visits.item_nos[:-1])
    lengths = np.log1p((visits.millis[same + 1] - visits.millis[same]) / MILLIS_PER_DAY)
    gaps = Totals(visits.item_nos[same])
    place, again = places(gaps.keys, context.item_nos)
    means = gaps.sums(lengths) / gaps.counts
    deviations = np.sqrt(np.maximum(gaps.sums(lengths**2) / gaps.counts - means**2, 0.0))
    newest = np.searchsorted(visits.item_nos[same], gaps.keys, side="right") - 1
    last_ago = -context.bought.greatest(-visits.visits_ago)
    first_ago = context.bought.greatest(visits.visits_ago)
    since = np.log1p(context.days_since(context.of_bought(context.bought.greatest(visits.millis))))
    mean = values_at(means, place, again, UNKNOWN)
    count = values_at(gaps.counts, place, again)
    between = context.of_bought(first_ago - last_ago) / np.maximum(count, 1.0)
    due_ratio = np.minimum(context.of_bought(last_ago) / np.maximum(between, 0.5), LARGEST_DUE_RATIO)
    return [
        mean,
        values_at(deviations, place, again, UNKNOWN),
        values_at(lengths[newest], place, again, UNKNOWN),
        np.where(again, since - mean, 0.0),
        np.log1p(between),
        np.where(again, due_ratio, UNKNOWN),
    ]
