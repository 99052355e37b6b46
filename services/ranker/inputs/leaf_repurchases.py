from typing import Any

import numpy as np
from numpy.typing import NDArray


class LeafRepurchases:
    """How often and after how long items are bought again, summed by leaf category.

    Changed items are subtracted and added, so the cost depends on the changes and not on the catalog.
    """

    def __init__(self) -> None:
        self._sums = np.zeros((0, 3))

    def add(self, leaf_nos: NDArray[Any], sums: NDArray[np.float64]) -> None:
        """Adds items' buyers, intervals and days of all their intervals, shape (items, 3). Leaf 0 means none."""
        highest = int(leaf_nos.max(initial=0))
        if highest >= len(self._sums):
            self._sums = np.concatenate([self._sums, np.zeros((2 * highest + 1 - len(self._sums), 3))])
        np.add.at(self._sums, leaf_nos, sums)
        self._sums[:1] = 0.0

    def of(self, leaf_nos: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Returns buyers, intervals and days of leaves, each of the shape of `leaf_nos`; zeros for unknown ones."""
        if not len(self._sums):
            nothing = np.zeros(len(leaf_nos))
            return nothing, nothing, nothing
        sums = self._sums[np.where(leaf_nos < len(self._sums), leaf_nos, 0)]
        buyers, intervals, days = np.maximum(sums, 0.0).T  # adding and subtracting leaves rounding errors
        return buyers, intervals, days
