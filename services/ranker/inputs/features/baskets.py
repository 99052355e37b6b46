"""In which of the user's last visits the candidate was bought: short memory, in visits and in days."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.ranker.inputs.features.context import Context
from services.ranker.inputs.visits import fading

VISITS: Final = (1, 3, 6, 12, 24)
DAYS: Final = (7, 14, 30, 60, 90, 180)
HALF_LIVES_VISITS: Final = (2.0, 4.0, 12.0, 30.0)
HALF_LIVES_DAYS: Final = (7.0, 14.0, 30.0, 120.0)

DECLARATIONS: Final = (
    *(
        FeatureDeclaration(f"bought_in_last_{visits}_visits", f"Share of the last {visits} visits that had it.", "0")
        for visits in VISITS
    ),
    *(
        FeatureDeclaration(f"bought_in_last_{days}_days", f"ln(1 + visits of the last {days} days that had it).", "0")
        for days in DAYS
    ),
    *(
        FeatureDeclaration(
            f"purchases_decayed_{visits:.0f}_visits",
            f"ln(1 + visits that had it, each weighing 2^(-visits ago / {visits:.0f})).",
            "0",
        )
        for visits in HALF_LIVES_VISITS
    ),
    *(
        FeatureDeclaration(
            f"visits_with_it_decayed_{days:.0f}d", f"ln(1 + visits that had it, half-life {days:.0f} days).", "0"
        )
        for days in HALF_LIVES_DAYS
    ),
    FeatureDeclaration(
        "visits_since_purchase_log", "ln(1 + visits since the last that had it), at most 100.", "ln(1 + 100): never"
    ),
    FeatureDeclaration(
        "visits_since_first_log", "ln(1 + visits since the first that had it), at most 100.", "ln(1 + 100): never"
    ),
    FeatureDeclaration("share_of_visits", "Share of all visits that had it.", "0"),
    FeatureDeclaration(
        "share_of_visits_since_first", "Share of the visits since the first that had it, three more added.", "0"
    ),
)

NAMES: Final = tuple(declaration.name for declaration in DECLARATIONS)

NEVER_VISITS: Final = 100.0

_VISITS: Final = np.array(VISITS)[:, None]
_DAYS: Final = np.array(DAYS)[:, None]


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,). Counts within visits are shares of those visits."""
    visits = context.visits
    totals, of_candidates = context.bought, context.of_bought
    ago, days = visits.visits_ago, context.visit_days
    weights = (ago < _VISITS, days < _DAYS, fading(ago, HALF_LIVES_VISITS), fading(days, HALF_LIVES_DAYS))
    sums = of_candidates(totals.sums(np.concatenate(weights)))
    count = of_candidates(totals.counts)
    last = np.minimum(of_candidates(-totals.greatest(-ago), NEVER_VISITS), NEVER_VISITS)
    first = np.minimum(of_candidates(totals.greatest(ago), NEVER_VISITS), NEVER_VISITS)
    return [
        *(sums[: len(VISITS)] / _VISITS),
        *np.log1p(sums[len(VISITS) :]),
        np.log1p(last),
        np.log1p(first),
        count / max(visits.count, 1),
        # One more visit on each side: an item bought once, last time, isn't a certainty.
        count / (first + 3.0),
    ]
