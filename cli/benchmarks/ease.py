from typing import Final

import numpy as np
from numpy.typing import NDArray

from cli.benchmarks.history_matrix import history_matrix, scored_by
from cli.benchmarks.leave_one_out import Histories, Score
from cli.ease_weights import ease_weights

MOST_ITEMS: Final = 20_000
"""Items of which the inverse is made: it takes items² numbers and items³ steps."""

PENALTY: Final = 100.0
"""Of the squared weights."""


def ease_parts(histories: Histories, item_count: int, penalty: float = PENALTY) -> list[Score]:
    """Returns what may be blended: scores by the whole history and by its end; none where the items are too many."""
    if item_count > MOST_ITEMS:
        return []
    return scored_by(history_weights(histories, item_count, penalty))


def history_weights(histories: Histories, item_count: int, penalty: float) -> NDArray[np.float32]:
    """Returns the weights (`ease_weights`) of users who have each item of their history once."""
    users = history_matrix(histories, item_count)
    users.sum_duplicates()
    users.data[:] = 1.0
    return ease_weights((users.T @ users).astype(np.float32).toarray(order="F"), penalty)
