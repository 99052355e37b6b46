"""Collaborative factors of items: items that the same users interact with have similar ones."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from services.common import event_types
from services.common.strengths import STRENGTH_BY_TYPE
from services.ranker.inputs.item_columns import CATEGORY_LEVELS, ItemColumns
from services.ranker.model.item_factors import ItemFactors

_DAMPING: Final = 5.0
"""Added to an item's norm: without it, an item of two users would count as much as one of all users."""

_LEAST_SIZE: Final = 1e-5
"""Singular values below this share of the largest are noise."""

_PRIOR_ITEMS: Final = 3.0
"""Zero vectors that each category's and brand's mean includes, to shrink it."""


@dataclass(frozen=True, slots=True)
class Factorization:
    """The factors of some items, ascending: `vectors` (items, width), of a mean square length of 1."""

    item_nos: NDArray[np.int64]
    vectors: NDArray[np.float32]

    @classmethod
    def of(
        cls, users: NDArray[Any], item_nos: NDArray[Any], types: NDArray[Any], width: int, seed: int
    ) -> "Factorization":
        """Factorizes the user-item matrix of events: the right singular vectors of ln(1 + strength), each item's column
        divided by the root of its norm plus a constant (by the method of Halko, Martinsson, and Tropp, 2011).

        If the rank is lower than `width`, the last elements are 0.
        """
        strengths = STRENGTH_BY_TYPE[np.clip(types, 0, event_types.COUNT - 1)].astype(np.float32)
        some = (item_nos > 0) & (strengths != 0)
        items, columns = np.unique(item_nos[some], return_inverse=True)
        if not len(items):
            return cls(np.zeros(0, np.int64), np.zeros((0, width), np.float32))
        rows = np.unique(users[some], return_inverse=True)[1]
        taken = sp.csr_matrix((strengths[some], (rows, columns)))
        taken.sum_duplicates()
        taken.data = np.log1p(np.maximum(taken.data, 0.0))  # undone actions don't count
        norms = np.sqrt(np.asarray(taken.power(2).sum(axis=0)).ravel())
        damped = taken @ sp.diags((1.0 / np.sqrt(norms + _DAMPING)).astype(np.float32))
        count = min(width, *damped.shape)
        _, sizes, rows_of_directions = randomized_svd(damped, count, random_state=seed)
        directions = rows_of_directions.T * (sizes > sizes[0] * _LEAST_SIZE)
        vectors = np.zeros((len(items), width), np.float32)
        vectors[:, :count] = directions * np.sqrt(len(items) / max(np.square(directions).sum(), 1e-12))
        return cls(items.astype(np.int64), vectors)


def set_factors(layer: ItemFactors, factors: Factorization, items: ItemColumns) -> None:
    """Sets the layer's factors: each category level, then each brand, gets the mean residual of its items, and each
    item the rest.
    """
    rows = items.rows(factors.item_nos)
    rest = factors.vectors.copy()
    means: dict[int, NDArray[np.float32]] = {}
    for level in range(CATEGORY_LEVELS):
        means |= _take_means(rest, items.category_nos[rows, level])
    for name, found in (("category", means), ("brand", _take_means(rest, items.brand_nos[rows]))):
        vectors = np.array(list(found.values()), np.float32).reshape(-1, rest.shape[1])
        layer.set_vectors(name, np.array(list(found), np.int64), vectors)
    layer.set_vectors("item", factors.item_nos, rest)


def _take_means(rest: NDArray[np.float32], numbers: NDArray[Any]) -> dict[int, NDArray[np.float32]]:
    """Returns the mean by number, and takes it away from the rows of that number. Number 0 is none."""
    known, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    sums = np.zeros((len(known), rest.shape[1]), np.float32)
    np.add.at(sums, places, rest)
    means = sums / (counts + np.float32(_PRIOR_ITEMS))[:, None]
    means[known == 0] = 0
    rest -= means[places]
    return {int(number): mean for number, mean in zip(known, means, strict=True) if number > 0}
