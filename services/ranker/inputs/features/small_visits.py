"""Whether the candidate is typical of small visits: counts in which a visit of one item has the largest weight."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.ranker.inputs.features.context import Context
from services.ranker.inputs.visits import fading, visit_weights

HALF_LIVES_DAYS: Final = (30.0, 60.0, 120.0)
HALF_LIVES_VISITS: Final = (5.0, 10.0, 30.0)
RECENT_VISITS: Final = 5.0

_WEIGHT: Final = "each weighing 1 over the best gain of a list for it"

DECLARATIONS: Final = (
    *(
        FeatureDeclaration(
            f"visit_weight_decayed_{days:.0f}d",
            f"ln(1 + visits that had it, {_WEIGHT}, half-life {days:.0f} days).",
            "0",
        )
        for days in HALF_LIVES_DAYS
    ),
    *(
        FeatureDeclaration(
            f"visit_weight_decayed_{visits:.0f}_visits",
            f"ln(1 + visits that had it, {_WEIGHT}, half-life {visits:.0f} visits).",
            "0",
        )
        for visits in HALF_LIVES_VISITS
    ),
    FeatureDeclaration("visit_weight_mean", f"Mean of the visits that had it, {_WEIGHT}.", "0"),
    FeatureDeclaration("visit_weight_user", f"Mean of the user's last visits, {_WEIGHT}, half-life 5 visits.", "0"),
    FeatureDeclaration("items_in_last_visit_log", "ln(1 + items of the last visit).", "0"),
)

NAMES: Final = tuple(declaration.name for declaration in DECLARATIONS)


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,). A visit's weight is that of `visit_weights`."""
    visits, totals = context.visits, context.bought
    weights = visit_weights(visits.sizes)
    ago = visits.visits_ago
    own = weights[visits.count - 1 - ago]
    kept = np.concatenate((fading(context.visit_days, HALF_LIVES_DAYS), fading(ago, HALF_LIVES_VISITS)))
    decayed = totals.sums(own * kept)
    recency = np.exp2(-np.arange(visits.count)[::-1] / RECENT_VISITS)
    usual = float(weights @ recency / recency.sum()) if visits.count else 0.0
    last_size = float(visits.sizes[-1]) if visits.count else 0.0
    return [
        *np.log1p(context.of_bought(decayed)),
        context.of_bought(totals.sums(own) / totals.counts),
        np.full(len(context.item_nos), usual),
        np.full(len(context.item_nos), np.log1p(last_size)),
    ]
