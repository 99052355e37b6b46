import math
from typing import ClassVar, Final

from services.common import event_types
from services.features.definitions.declaration import FeatureDeclaration
from services.features.definitions.observation import Observation
from vitrine.features.v1.stored_user_state_pb2 import StoredUserState
from vitrine.features.v1.user_features_pb2 import UserFeatures

PRICED: Final = frozenset({event_types.ADD_TO_CART, event_types.PURCHASE})


class PriceProfile:
    """What the user pays for one, as mean and deviation of ln(1 + price): a shop's prices are spread by ratios."""

    DECLARATION: ClassVar = FeatureDeclaration(
        name="prices",
        description="Mean and standard deviation of ln(1 + unit price) of what was carted and bought.",
        unit="natural logarithm of the shop's currency",
    )

    __slots__ = ("_count", "_square_sum", "_sum")

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0.0
        self._square_sum = 0.0

    def apply(self, observation: Observation) -> None:
        """Counts the price of a cart or a purchase that has one."""
        price = observation.unit_price
        if price is not None and observation.type in PRICED and 0.0 <= price < math.inf:
            value = math.log1p(price)
            self._count += 1
            self._sum += value
            self._square_sum += value * value

    def merge(self, other: "PriceProfile") -> None:
        """Adds another visitor's prices."""
        self._count += other._count
        self._sum += other._sum
        self._square_sum += other._square_sum

    def write(self, features: UserFeatures) -> None:
        """Fills `features.prices`; leaves it absent where no price is known."""
        if not self._count:
            return
        mean = self._sum / self._count
        variance = max(self._square_sum / self._count - mean * mean, 0.0)
        features.prices.count = self._count
        features.prices.mean_log_price = mean
        features.prices.deviation_log_price = math.sqrt(variance) if self._count > 1 else 0.0

    def save(self, stored: StoredUserState) -> None:
        """Writes the sums into the storage format."""
        stored.price_count = self._count
        stored.log_price_sum = self._sum
        stored.log_price_square_sum = self._square_sum

    def load(self, stored: StoredUserState) -> None:
        """Reads the sums from the storage format."""
        self._count = stored.price_count
        self._sum = stored.log_price_sum
        self._square_sum = stored.log_price_square_sum
