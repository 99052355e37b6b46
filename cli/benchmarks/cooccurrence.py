"""What is taken together and what after what, by counting: a score of every item for a history."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cli.benchmarks.leave_one_out import Histories, Score

SHRINKAGE: Final = 10.0
"""Added to the squared length of what a cosine is divided by: a few common users are no proof."""

FADINGS: Final = (0.9, 0.5)
"""What an item of the history counts beside the one after it: the whole history, or its end."""

REACH: Final = 5
"""Steps over which one item is taken to follow another; each counts 1 / steps."""


class CoOccurrence:
    """Item-to-item scores from sequences.

    Undirected: cosine of the items' users, shrunk (Sarwar et al., 2001). Directed: how often an item followed another,
    by the inverse of the steps between them, divided by the root of the first one's frequency.
    """

    def __init__(self, histories: Histories, item_count: int) -> None:
        lengths = np.array([len(history) for history in histories])
        users = np.repeat(np.arange(len(histories)), lengths)
        taken = np.concatenate([*histories]) - 1
        shape = (len(histories), item_count)
        matrix = sparse.csr_matrix((np.ones(len(taken), np.float32), (users, taken)), shape=shape)
        matrix.data[:] = 1.0
        together = (matrix.T @ matrix).tocoo()
        squares = np.asarray(matrix.sum(axis=0)).ravel()
        lengths_of = np.sqrt(squares[together.row] * squares[together.col])
        values = together.data / (lengths_of + SHRINKAGE)
        values[together.row == together.col] = 0.0
        self.undirected = sparse.csr_matrix((values, (together.row, together.col)), shape=(item_count, item_count))
        self.directed = _followers(users, taken, squares, item_count)

    def parts(self) -> list[Score]:
        """Returns what may be blended: both kinds, each by the whole history and by its end."""
        return [_scored(table, fading) for table in (self.undirected, self.directed) for fading in FADINGS]


def _scored(table: "sparse.csr_matrix[np.float32]", fading: float) -> Score:
    def score(histories: Histories) -> NDArray[np.float32]:
        return np.asarray((_recency(histories, table.shape[0], fading) @ table).todense(), np.float32)

    return score


def _followers(
    users: NDArray[Any], taken: NDArray[Any], squares: NDArray[Any], item_count: int
) -> "sparse.csr_matrix[np.float32]":
    pairs, values = [], []
    for steps in range(1, REACH + 1):
        same = users[steps:] == users[:-steps]
        before, after = taken[:-steps][same], taken[steps:][same]
        pairs.append(np.stack([before, after]))
        values.append(1.0 / (steps * np.sqrt(squares[before] + SHRINKAGE)))
    rows, columns = np.concatenate(pairs, axis=1)
    followed = np.concatenate(values).astype(np.float32)
    return sparse.csr_matrix((followed, (rows, columns)), shape=(item_count, item_count))


def _recency(histories: Histories, item_count: int, fading: float) -> "sparse.csr_matrix[np.float32]":
    lengths = [len(history) for history in histories]
    weights = np.concatenate([fading ** np.arange(length - 1, -1, -1) for length in lengths])
    rows, columns = np.repeat(np.arange(len(histories)), lengths), np.concatenate([*histories]) - 1
    return sparse.csr_matrix((weights.astype(np.float32), (rows, columns)), shape=(len(histories), item_count))
