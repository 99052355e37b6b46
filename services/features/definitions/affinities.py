from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitrine.features.v1.user_features_pb2 import Affinities

MAXIMUM_AFFINITIES: Final = 256


def write_greatest(affinities: Affinities, nos: NDArray[np.uint32], weights: NDArray[np.float64]) -> None:
    """Sums weights by number and writes the greatest sums above 0, the greatest first, equal ones by number."""
    unique, places = np.unique(nos, return_inverse=True)
    sums = np.bincount(places, weights, minlength=len(unique))
    order = np.argsort(-sums, kind="stable")[:MAXIMUM_AFFINITIES]
    order = order[sums[order] > 0.0]
    affinities.nos.extend(unique[order].tolist())
    affinities.weights.extend(sums[order].tolist())
