from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.candidates.jobs.ratings import Matrix


class Cosine:
    """similarity(i, j) = Σ_u r_ui r_uj / (√Σ_u r_ui² √Σ_u r_uj²) of the columns of `ratings` float32[users, items]."""

    def __init__(self, ratings: Matrix) -> None:
        by_item = ratings.T.tocsr()
        by_item.sort_indices()
        owners = np.repeat(np.arange(by_item.shape[0]), np.diff(by_item.indptr))
        norms = np.sqrt(np.bincount(owners, by_item.data.astype(np.float64) ** 2, minlength=by_item.shape[0]))
        self._by_item = with_values(by_item, by_item.data / norms[owners])
        self._by_user = self._by_item.T.tocsr()
        self._shared_by_item, self._shared_by_user = with_values(self._by_item, 1.0), with_values(self._by_user, 1.0)

    def of(self, rows: NDArray[np.integer]) -> tuple[Matrix, NDArray[np.floating]]:
        """Returns how many users `rows` share with every item, [rows, items], and the similarity of each entry."""
        # Both products have the same pattern in the same order: all their terms are above 0. SciPy works without the
        # interpreter's lock, so that they are made side by side.
        with ThreadPoolExecutor(1) as beside:
            cosines = beside.submit(lambda: sparse.csr_array(self._by_item[rows] @ self._by_user))
            support: Matrix = sparse.csr_array(self._shared_by_item[rows] @ self._shared_by_user)
            return support, np.minimum(cosines.result().data, 1.0)


def with_values(matrix: Matrix, values: NDArray[np.floating] | float) -> Matrix:
    """Returns the same pattern with other values."""
    data = np.broadcast_to(np.asarray(values, np.float32), matrix.data.shape).copy()
    return sparse.csr_array((data, matrix.indices, matrix.indptr), matrix.shape)
