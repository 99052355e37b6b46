"""What the user did to the candidate short of buying it, and what of it was shown in vain."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.features.context import Context
from services.ranker.inputs.lookup import places, values_at

NAMES: Final = (
    "views_log",
    "favorite",
    "in_cart",
    "interest_decayed_7d_log",
    "days_since_event_log",
    "impressions_log",
    "days_since_impression_log",
)


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,)."""
    user = context.user
    place, shown = places(user.impression_item_nos, context.item_nos)
    return [
        np.log1p(context.counter("views")),
        (context.counter("favorites") > 0).astype(np.float64),
        (context.counter("carts") > 0).astype(np.float64),
        np.log1p(context.counter("decayed_interest")),
        np.log1p(context.days_since(context.counter("last_event_millis"))),
        np.log1p(values_at(user.impression_counts, place, shown)),
        np.log1p(context.days_since(values_at(user.impression_millis, place, shown))),
    ]
