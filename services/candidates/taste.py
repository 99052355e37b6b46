import numpy as np
from numpy.typing import NDArray

from services.common.sorted_lookup import values_of
from vitrine.features.v1.user_features_pb2 import Affinities


class Taste:
    """How much a visitor likes categories, as 0 to 1."""

    def __init__(self, affinities: Affinities) -> None:
        nos = np.array(affinities.nos, np.uint32)
        weights = np.maximum(np.array(affinities.weights, np.float64), 0.0)
        order = np.argsort(nos, kind="stable")
        # A root category sums up all below it: the logarithm keeps a leaf's weight visible beside it.
        liking = np.log1p(weights)
        self._nos = nos[order]
        self._liking = (liking / liking.max() if liking.size and liking.max() > 0 else liking)[order]
        self.favorites = nos[np.argsort(-weights, kind="stable")]

    def of(self, category_nos: NDArray[np.uint32]) -> NDArray[np.float64]:
        """Returns 0 to 1 for each row of numbers [n, levels] (0: no level): the mean liking of its levels."""
        levels = np.count_nonzero(category_nos, axis=1)
        total: NDArray[np.float64] = values_of(category_nos, self._nos, self._liking).sum(axis=1)
        total /= np.maximum(levels, 1)
        return total
