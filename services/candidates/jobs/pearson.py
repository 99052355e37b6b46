from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.candidates.jobs.cosine import with_values
from services.candidates.jobs.ratings import Matrix

Floats: TypeAlias = "sparse.csr_array[Any]"


class Pearson:
    """similarity(i, j) = Σ_u (r_ui - μ_i)(r_uj - μ_j) / (√Σ_u (r_ui - μ_i)² √Σ_u (r_uj - μ_j)²) of the columns of
    `ratings` float32[users, items]; u over the users of both, μ an item's mean over all of its users.

    An item that everyone rates alike has no variance, and similarity 0 to all.
    """

    def __init__(self, ratings: Matrix) -> None:
        by_item = ratings.T.tocsr()
        by_item.sort_indices()
        counts = np.maximum(np.diff(by_item.indptr), 1)
        owners = np.repeat(np.arange(by_item.shape[0]), np.diff(by_item.indptr))
        values = by_item.data.astype(np.float64)
        centered = values - (np.bincount(owners, values, minlength=by_item.shape[0]) / counts)[owners]
        centered[np.abs(centered) < 1e-6] = 0.0  # what is left of equal float32 ratings
        self._centered = sparse.csr_array((centered, by_item.indices, by_item.indptr), by_item.shape)
        self._squares = sparse.csr_array((centered**2, by_item.indices, by_item.indptr), by_item.shape)
        self._shared = with_values(by_item, 1.0)

    def of(self, rows: NDArray[np.integer]) -> tuple[Matrix, NDArray[np.floating]]:
        """Returns how many users `rows` share with every item, [rows, items], and the similarity of each entry."""
        support: Matrix = sparse.csr_array(self._shared[rows] @ self._shared.T)
        support.sort_indices()
        products = _at(support, self._centered[rows], self._centered)
        own = _at(support, self._squares[rows], self._shared)
        others = _at(support, self._shared[rows], self._squares)
        norms = np.sqrt(own * others)
        varied = norms > 0
        similarities = np.zeros(len(products))
        similarities[varied] = np.clip(products[varied] / norms[varied], -1.0, 1.0)
        return support, similarities


def _at(pattern: Matrix, left: Floats, right: Floats) -> NDArray[np.float64]:
    """Returns left × rightᵀ at each entry of the pattern; sums that came out as 0 are not stored in a product."""
    product = sparse.csr_array(left @ right.T)
    product.sort_indices()
    values = np.zeros(len(pattern.data))
    values[np.searchsorted(_keys(pattern), _keys(product))] = product.data
    return values


def _keys(matrix: Floats) -> NDArray[np.int64]:
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return rows * matrix.shape[1] + matrix.indices
