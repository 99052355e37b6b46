"""How much a user does in each category and with each brand, derived when it's read."""

from datetime import timedelta
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from services.common.feature_declaration import FeatureDeclaration
from services.common.strengths import STRENGTH_UNIT
from services.features.definitions.item_columns import ItemColumns, take
from vitrine.features.v1.user_features_pb2 import Affinities, UserFeatures

MAXIMUM_AFFINITIES: Final = 256


def write_greatest(affinities: Affinities, nos: NDArray[np.uint32], weights: NDArray[np.float64]) -> None:
    """Sums weights by number and writes the greatest sums above 0, the greatest first, equal ones by number."""
    unique, places = np.unique(nos, return_inverse=True)
    sums = np.bincount(places, weights, minlength=len(unique))
    order = np.argsort(-sums, kind="stable")[:MAXIMUM_AFFINITIES]
    order = order[sums[order] > 0.0]
    affinities.nos.extend(unique[order].tolist())
    affinities.weights.extend(sums[order].tolist())


MAXIMUM_DEPTH: Final = 16


class CategoryAffinities:
    """How much the user does in each category, on all levels of the tree.

    Derived when it is read, from what the user did to items and from the items' categories of now: an item that arrives
    or moves later takes its history along.
    """

    DECLARATION: ClassVar = FeatureDeclaration(
        name="category_affinities",
        description="Strength of the user's events by category; each item counts for its main category and all above. "
        "What was taken back has no strength.",
        unit=STRENGTH_UNIT,
        window="half-life of 30 days",
        freshness=timedelta(hours=1),
    )

    @staticmethod
    def write(
        features: UserFeatures, item_nos: NDArray[np.uint32], strengths: NDArray[np.float64], items: ItemColumns
    ) -> None:
        """Fills `features.category_affinities` from items and the strength of their events."""
        nodes = take(items.category_nos, item_nos)
        levels, weights = [], []
        for _ in range(MAXIMUM_DEPTH):
            known = nodes > 0
            if not known.any():
                break
            nodes, strengths = nodes[known], strengths[known]
            levels.append(nodes)
            weights.append(strengths)
            nodes = take(items.parent_category_nos, nodes)
        if levels:
            write_greatest(features.category_affinities, np.concatenate(levels), np.concatenate(weights))


class BrandAffinities:
    """How much the user does with each brand; derived like CategoryAffinities."""

    DECLARATION: ClassVar = FeatureDeclaration(
        name="brand_affinities",
        description="Strength of the user's events by the brand of their items. What was taken back has no strength.",
        unit=STRENGTH_UNIT,
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
