"""The user's interest in the candidate short of a purchase, and impressions without a response."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.common.sorted_lookup import places, values_at
from services.ranker.inputs.features.context import Context

DECLARATIONS: Final = (
    FeatureDeclaration("views_log", "ln(1 + views, clicks and watches of the candidate).", "0"),
    FeatureDeclaration("favorite", "1: it is a favorite.", "0"),
    FeatureDeclaration("in_cart", "1: it is in the cart.", "0"),
    FeatureDeclaration(
        "interest_decayed_7d_log",
        "ln(1 + strength of views, favorites and carts, decayed with a half-life of 7 days).",
        "0",
    ),
    FeatureDeclaration("days_since_event_log", "ln(1 + days since the user last dealt with it).", "ln(1 + 730): never"),
    FeatureDeclaration("impressions_log", "ln(1 + times it was shown in vain in the last 14 days).", "0"),
    FeatureDeclaration(
        "days_since_impression_log", "ln(1 + days since it was last shown in vain).", "ln(1 + 730): never"
    ),
)

NAMES: Final = tuple(declaration.name for declaration in DECLARATIONS)


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
