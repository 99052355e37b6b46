from typing import Final

import numpy as np
from numpy.typing import NDArray

from cli.ease_weights import ease_weights
from cli.evaluation.rankings.purchase_history import PurchaseHistory

REGULARIZATION: Final = 200.0
MOST_ITEMS: Final = 3_000


class Ease:
    """EASE^R (Steck 2019): the item-to-item weights B, diagonal 0, that minimize ||X - XB||² + λ||B||², in closed form
    B = -P / diag(P) with P = (XᵀX + λI)⁻¹, λ = 200; a user's scores are X B.

    Its cost grows with the cube of the items: it knows the 3,000 that most people bought.
    """

    name = "EASE"
    meaning = "A linear model of which items go with which, learned from everybody's purchases."

    def __init__(self, history: PurchaseHistory) -> None:
        buyers = history.bought.sum(axis=0)
        self._columns = np.sort(np.argsort(-buyers, kind="stable")[:MOST_ITEMS])
        self._bought = history.bought[:, self._columns].tocsr()
        self._items = len(buyers)
        self._weights = ease_weights((self._bought.T @ self._bought).toarray(order="F"), REGULARIZATION)

    def scores(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        scores = np.zeros((len(rows), self._items))
        scores[:, self._columns] = self._bought[rows] @ self._weights
        return scores
