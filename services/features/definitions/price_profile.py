import math
from datetime import timedelta
from typing import ClassVar

from services.common.feature_declaration import FeatureDeclaration
from services.features.definitions.net_actions import NetActions
from vitrine.features.v1.user_features_pb2 import UserFeatures


class PriceProfile:
    """What the user pays for one, as mean and deviation of ln(1 + price): a shop's prices are spread by ratios.

    Derived when it is read from what was carted and bought and not taken back.
    """

    DECLARATION: ClassVar = FeatureDeclaration(
        name="prices",
        description="Mean and standard deviation of ln(1 + unit price) of what was carted and bought and not taken "
        "back.",
        unit="natural logarithm of the shop's currency",
        freshness=timedelta(hours=1),
    )

    @staticmethod
    def write(features: UserFeatures, net: NetActions) -> None:
        """Fills `features.prices`; leaves it absent where no price is known."""
        count, mean, variance = net.log_prices()
        if not count:
            return
        features.prices.count = count
        features.prices.mean_log_price = mean
        features.prices.deviation_log_price = math.sqrt(variance)
