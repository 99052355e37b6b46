from datetime import timedelta
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.features.definitions.affinities import write_greatest
from services.features.definitions.item_columns import ItemColumns, take
from vitrine.features.v1.user_features_pb2 import UserFeatures


class BrandAffinities:
    """How much the user does with each brand; derived like CategoryAffinities."""

    DECLARATION: ClassVar = FeatureDeclaration(
        name="brand_affinities",
        description="Strength of the user's events by the brand of their items. What was taken back has no strength.",
        unit="strength: a view weighs 1, a favorite or share 3, an addition to the cart 4, a purchase 5",
        window="half-life of 30 days",
        freshness=timedelta(hours=1),
    )

    @staticmethod
    def write(
        features: UserFeatures, item_nos: NDArray[np.uint32], strengths: NDArray[np.float64], items: ItemColumns
    ) -> None:
        """Fills `features.brand_affinities` from items and the strength of their events."""
        brands = take(items.brand_nos, item_nos)
        known = brands > 0
        write_greatest(features.brand_affinities, brands[known], strengths[known])
