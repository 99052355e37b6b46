"""How well the candidate's price matches what the user pays."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.ranker.inputs.features.context import Context

DECLARATIONS: Final = (
    FeatureDeclaration("log_price", "ln(1 + price), or of the mean purchase where the catalog has none.", "0"),
    FeatureDeclaration("price_missing", "1: no price is known.", "0"),
    FeatureDeclaration(
        "price_fit",
        "Deviations of ln(1 + price) from what the user pays, -4 to 4.",
        "0: not comparable",
        "standard deviations",
    ),
    FeatureDeclaration("price_distance", "|price_fit|.", "0: not comparable", "standard deviations"),
    FeatureDeclaration("price_profile_missing", "1: nothing is known of what the user pays.", "0"),
)

NAMES: Final = tuple(declaration.name for declaration in DECLARATIONS)

USUAL_DEVIATION: Final = 0.6
MOST_DEVIATIONS: Final = 4.0


def compute(context: Context) -> list[NDArray[np.float64]]:
    """Returns the columns of NAMES, each of shape (n,).

    The fit is (ln(1 + price) - mean) / deviation of what the user bought, 0 if either is unknown; the deviation is
    shrunk towards a typical one while there are few prices.
    """
    user = context.user
    prices = context.items.best_log_prices(context.rows).astype(np.float64)
    missing = prices < 0
    few = 3.0
    deviation = (user.price_count * user.deviation_log_price + few * USUAL_DEVIATION) / (user.price_count + few)
    comparable = ~missing & (user.price_count > 0)
    fit = (prices - user.mean_log_price) / max(deviation, 0.05)
    fit = np.where(comparable, np.clip(fit, -MOST_DEVIATIONS, MOST_DEVIATIONS), 0.0)
    return [
        np.maximum(prices, 0.0),
        missing.astype(np.float64),
        fit,
        np.abs(fit),
        np.full(len(prices), float(user.price_count == 0)),
    ]
