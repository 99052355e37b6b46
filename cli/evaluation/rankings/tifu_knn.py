from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cli.evaluation.rankings.purchase_history import Matrix, PurchaseHistory

GROUP_SIZE: Final = 7
WITHIN_DECAY: Final = 0.9
GROUP_DECAY: Final = 0.7
NEIGHBORS: Final = 300
OWN: Final = 0.7


class TifuKnn:
    """TIFU-kNN (Hu, He, Gao and Zhang 2020), with the parameters that its authors found for a grocer (Ta-Feng).

    A user's vector is the mean of the user's baskets decayed in two steps: inside groups of 7 baskets by 0.9 a basket,
    and over the groups by 0.7 a group. Scores are 0.7 × the own vector + 0.3 × the mean vector of the 300 nearest users
    (Euclidean).
    """

    name = "TIFU-kNN"
    meaning = "How often and how recently this customer and the most similar customers bought it."

    def __init__(self, history: PurchaseHistory) -> None:
        self._vectors = user_vectors(history)
        self._squares = self._vectors.power(2).sum(axis=1)

    def scores(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        own = self._vectors[rows]
        distances = self._squares[None, :] - 2.0 * (own @ self._vectors.T).toarray()  # + the own square: no difference
        distances[np.arange(len(rows)), rows] = np.inf
        count = min(NEIGHBORS, distances.shape[1] - 1)
        if not count:
            return np.asarray(own.toarray())
        nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
        places = (np.repeat(np.arange(len(rows)), count), nearest.ravel())
        mean = sparse.csr_array((np.full(nearest.size, 1.0 / count), places), distances.shape)
        return np.asarray((OWN * own + (1.0 - OWN) * (mean @ self._vectors)).toarray())


def user_vectors(history: PurchaseHistory) -> Matrix:
    """The users' vectors, (users, items). The first group is the one that may be short, as in the authors' program."""
    rows, columns, values = [], [], []
    for row, baskets in enumerate(history.baskets):
        groups = -(-len(baskets) // GROUP_SIZE)
        missing = groups * GROUP_SIZE - len(baskets)
        for place, basket in enumerate(baskets):
            group, inside = divmod(place + missing, GROUP_SIZE)
            size = GROUP_SIZE - missing if group == 0 else GROUP_SIZE
            weight = WITHIN_DECAY ** (GROUP_SIZE - 1 - inside) / size * GROUP_DECAY ** (groups - 1 - group) / groups
            rows.append(np.full(len(basket), row))
            columns.append(basket)
            values.append(np.full(len(basket), weight))
    return history.matrix(rows, columns, values)
