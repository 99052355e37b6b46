from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cli.evaluation.rankings.purchase_history import PurchaseHistory

RECENT: Final = 25
ASYMMETRY: Final = 0.25
LOCALITY: Final = 5


class UpCf:
    """UP-CF@r (Faggioli, Polato and Aiolli 2020): user-wise popularity in the last r = 25 baskets, spread over users.

    An item's popularity with a user is the share of the user's last r baskets that hold it; its score is the sum of
    that over all users, each weighted by the asymmetric cosine |I_u ∩ I_v| / (|I_u|^a |I_v|^(1-a)) of the item sets,
    a = 0.25, to the power of q = 5.
    """

    name = "UP-CF"
    meaning = "What this customer and similar customers bought in their latest baskets."

    def __init__(self, history: PurchaseHistory) -> None:
        self._bought = history.bought
        self._sizes = np.maximum(self._bought.sum(axis=1), 1.0)
        baskets = np.array([min(RECENT, len(baskets)) for baskets in history.baskets], np.float64)
        self._popularity = sparse.diags_array(1.0 / np.maximum(baskets, 1.0)) @ history.counts(RECENT)

    def scores(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        common = (self._bought[rows] @ self._bought.T).toarray()
        alike = common / self._sizes[rows, None] ** ASYMMETRY / self._sizes[None, :] ** (1.0 - ASYMMETRY)
        scores: NDArray[np.float64] = alike**LOCALITY @ self._popularity
        return scores
