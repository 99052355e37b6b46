"""Items from items by a linear model in closed form (Steck, "Embarrassingly Shallow Autoencoders", 2019)."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from cli.benchmarks.history_matrix import history_matrix, scored_by
from cli.benchmarks.leave_one_out import Histories, Score

MOST_ITEMS: Final = 20_000
"""Items of which the inverse is made: it takes items² numbers and items³ steps."""

PENALTY: Final = 100.0
"""Of the squared weights."""


def ease_parts(histories: Histories, item_count: int, penalty: float = PENALTY) -> list[Score]:
    """Returns what may be blended: scores by the whole history and by its end; none where the items are too many."""
    if item_count > MOST_ITEMS:
        return []
    return scored_by(ease_weights(histories, item_count, penalty))


def ease_weights(histories: Histories, item_count: int, penalty: float) -> NDArray[np.float32]:
    """Returns what each item (row) says of each other: P = (XᵀX + penalty I)⁻¹, B = -P / diag P, diagonal 0.

    X (users, items) has 1 where a history has the item.
    """
    users = history_matrix(histories, item_count)
    users.sum_duplicates()
    users.data[:] = 1.0
    gram: NDArray[Any] = (users.T @ users).astype(np.float32).toarray(order="F")  # as LAPACK has it, to work in place
    gram[np.diag_indices(item_count)] += np.float32(penalty)
    factor, failed = lapack.spotrf(gram, lower=0, overwrite_a=1)
    inverse, failed_too = lapack.spotri(factor, lower=0, overwrite_c=1)
    if failed or failed_too:
        raise ValueError("the items' Gram matrix has no inverse")  # cannot be: the penalty is above 0
    weights: NDArray[np.float32] = inverse.T  # its lower half is filled
    for item in range(item_count):
        weights[item, item + 1 :] = weights[item + 1 :, item]
    weights /= -np.diag(weights).copy()
    weights[np.diag_indices(item_count)] = 0.0
    return weights
