"""In which of the user's visits something of the candidate's leaf category was bought, whatever it was."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.common.sorted_lookup import Totals, places, values_at
from services.ranker.inputs.features.context import LONGEST_DAYS, Context

RECENT_VISITS: Final = 10
HALF_LIFE_DAYS: Final = 14.0
NEVER_VISITS: Final = 100.0
LARGEST_DUE_RATIO: Final = 6.0

DECLARATIONS: Final = (
    FeatureDeclaration("leaf_share_of_visits", "Share of all visits that had its leaf category.", "0"),
    FeatureDeclaration("leaf_in_last_10_visits", "Share of the last 10 visits that had its leaf category.", "0"),
    FeatureDeclaration(
        "leaf_visits_since_log", "ln(1 + visits since the last with its leaf category), at most 100.", "ln(1 + 100)"
    ),
    FeatureDeclaration(
        "leaf_visits_repurchase_due_ratio",
        "Days since that visit over the mean days from one such visit to the next, at most 6.",
        "6: in fewer than two visits",
    ),
    FeatureDeclaration(
        "leaf_lines_decayed_14d_log", "ln(1 + items of its leaf category in visits, half-life 14 days).", "0"
    ),
    FeatureDeclaration("leaf_choices_log", "ln(1 + different items of its leaf category that were bought).", "0"),
)

NAMES: Final = tuple(declaration.name for declaration in DECLARATIONS)


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,)."""
    visits, items = context.visits, context.items
    leaves = items.leaf_nos(items.rows(visits.item_nos)).astype(np.int64)
    lines = Totals(leaves)
    line_place, line_there = places(lines.keys, context.leaf_nos)
    days = context.visit_days
    fresh = lines.sums(np.exp2(-days / HALF_LIFE_DAYS))
    new_choice = np.diff(visits.item_nos, prepend=0) > 0
    # One row for a leaf in a visit.
    rows = np.unique(leaves * max(visits.count, 1) + visits.visits_ago, return_index=True)[1]
    leaf, ago, age = Totals(leaves[rows]), visits.visits_ago[rows], days[rows]
    place, there = places(leaf.keys, context.leaf_nos)
    count = leaf.counts
    last, first = -leaf.greatest(-age), leaf.greatest(age)
    due_ratio = np.where(count > 1, last / np.maximum((first - last) / np.maximum(count - 1, 1), 0.5), LONGEST_DAYS)
    return [
        values_at(count, place, there) / max(visits.count, 1),
        values_at(leaf.sums(ago < RECENT_VISITS), place, there) / RECENT_VISITS,
        np.log1p(np.minimum(values_at(-leaf.greatest(-ago), place, there, NEVER_VISITS), NEVER_VISITS)),
        np.minimum(values_at(due_ratio, place, there, LONGEST_DAYS), LARGEST_DUE_RATIO),
        np.log1p(values_at(fresh, line_place, line_there)),
        np.log1p(values_at(lines.sums(new_choice), line_place, line_there)),
    ]
