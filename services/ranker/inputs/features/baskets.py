"""In which of the user's last visits the candidate was bought: short memory, in visits and in days."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.features.context import Context
from services.ranker.inputs.lookup import Totals, places, values_at

VISITS: Final = (1, 3, 6, 12, 24)
DAYS: Final = (7, 14, 30, 60)
HALF_LIVES_VISITS: Final = (4.0, 12.0)

NAMES: Final = (
    *(f"bought_in_last_{visits}_visits" for visits in VISITS),
    *(f"bought_in_last_{days}_days" for days in DAYS),
    *(f"purchases_decayed_{visits:.0f}_visits" for visits in HALF_LIVES_VISITS),
    "visits_since_purchase_log",
    "share_of_visits",
    "share_of_visits_since_first",
)

NEVER_VISITS: Final = 100.0


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,). Counts within visits are shares of those visits."""
    visits = context.visits
    totals = Totals(visits.item_nos)
    place, present = places(totals.keys, context.item_nos)

    def of_candidates(values: NDArray[np.float64], default: float = 0.0) -> NDArray[np.float64]:
        return values_at(values, place, present, default)

    ago = visits.visits_ago
    days = context.days_since(visits.millis)
    within_visits = [of_candidates(totals.sums(ago < number)) / number for number in VISITS]
    within_days = [np.log1p(of_candidates(totals.sums(days < number))) for number in DAYS]
    decayed = [np.log1p(of_candidates(totals.sums(np.exp2(-ago / half_life)))) for half_life in HALF_LIVES_VISITS]
    count = of_candidates(totals.sums(np.ones(len(ago))))
    last = of_candidates(-totals.greatest(-ago), NEVER_VISITS)
    first = of_candidates(totals.greatest(ago), NEVER_VISITS)
    return [
        *within_visits,
        *within_days,
        *decayed,
        np.log1p(np.minimum(last, NEVER_VISITS)),
        count / max(visits.count, 1),
        # One visit more on each side: what was bought once, last time, is no certainty.
        count / (np.minimum(first, NEVER_VISITS) + 3.0),
    ]
