from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.elastic.filters import eligible
from services.candidates.eligibility import Eligibility

# A search goes by no more features of a history: all of them count in the similarities.
_FEATURES_ASKED: Final = 100


def alike_query(
    features: Sequence[Sequence[str]],
    shares: NDArray[np.float64],
    weights: Mapping[str, float],
    asked: Collection[str],
    eligibility: Eligibility,
) -> dict[str, Any] | None:
    """Returns what finds items by the features of some, each of which counts as its share; None: they have none. Of the
    features those `asked` are gone by, of which the weightiest where they are many.
    """
    profile: dict[str, float] = {}
    for row, share in zip(features, shares, strict=True):
        length = sum(weights[feature] ** 2 for feature in row) ** 0.5
        for feature in row:
            # What sharing it adds to the product of profile and item, but for the item's own length.
            profile[feature] = profile.get(feature, 0.0) + share * weights[feature] ** 2 / length
    if not profile:
        return None
    weightiest = sorted(asked, key=lambda feature: (-profile[feature], feature))[:_FEATURES_ASKED]
    should = [
        {"constant_score": {"filter": {"term": {"features": feature}}, "boost": max(profile[feature], 1e-6)}}
        for feature in weightiest
    ]
    return {
        "function_score": {
            "query": {"bool": {"should": should, "minimum_should_match": 1, **eligible(eligibility)}},
            "functions": [{"field_value_factor": {"field": "slenderness", "missing": 1}}],
            "boost_mode": "multiply",
        }
    }
