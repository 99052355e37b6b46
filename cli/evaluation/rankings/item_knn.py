from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cli.evaluation.rankings.purchase_history import Matrix, PurchaseHistory

NEIGHBORS: Final = 100
SHRINKAGE: Final = 10.0
BLOCK: Final = 256


class ItemKnn:
    """Item-based nearest neighbors (Sarwar et al. 2001): items are alike by the cosine of their buyers, shrunk by
    common / (common + 10) (Bell and Koren 2007); an item's score is the sum over the user's items of how alike the two
    are, each item keeping its 100 nearest and itself.
    """

    name = "item-kNN"
    meaning = "What is bought by the same customers as this customer's own items."

    def __init__(self, history: PurchaseHistory) -> None:
        self._bought = history.bought
        self._alike = _nearest(self._bought)

    def scores(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        scores: NDArray[np.float64] = (self._bought[rows] @ self._alike).toarray()
        return scores


def _nearest(bought: Matrix) -> Matrix:
    """Similarities of each item (row) to its nearest and to itself, (items, items)."""
    buyers = bought.T.tocsr()
    norms = np.sqrt(np.maximum(buyers.sum(axis=1), 1.0))
    parts = []
    for begin in range(0, buyers.shape[0], BLOCK):
        common = (buyers[begin : begin + BLOCK] @ bought).tocoo()
        rows, columns = common.coords
        values = common.data / norms[begin + rows] / norms[columns] * (common.data / (common.data + SHRINKAGE))
        order = np.lexsort((-values, rows))
        rows, columns, values = rows[order], columns[order], values[order]
        kept = np.arange(len(rows)) - np.searchsorted(rows, rows) <= NEIGHBORS
        parts.append(sparse.csr_array((values[kept], (rows[kept], columns[kept])), common.shape))
    return sparse.vstack(parts, format="csr") if parts else sparse.csr_array((0, 0))
