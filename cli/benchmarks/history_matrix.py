from typing import Any, Final

import numpy as np
from scipy import sparse

from cli.benchmarks.leave_one_out import Histories, Score

FADINGS: Final = (0.9, 0.5)
"""What an item of the history counts beside the one after it: the whole history, or its end."""


def history_matrix(histories: Histories, item_count: int, fading: float = 1.0) -> "sparse.csr_matrix[np.float32]":
    """Returns (users, items): what a history's items count, the last one 1, each one before `fading` of the next."""
    lengths = [len(history) for history in histories]
    weights = np.concatenate([fading ** np.arange(length - 1, -1, -1) for length in lengths])
    rows, columns = np.repeat(np.arange(len(histories)), lengths), np.concatenate([*histories]) - 1
    return sparse.csr_matrix((weights.astype(np.float32), (rows, columns)), shape=(len(histories), item_count))


def scored_by(table: Any) -> list[Score]:
    """Returns scores by a table of items by items, dense or sparse: a history's rows added, for each of FADINGS."""
    return [_scored(table, fading) for fading in FADINGS]


def _scored(table: Any, fading: float) -> Score:
    def score(histories: Histories) -> Any:
        scores: Any = history_matrix(histories, table.shape[0], fading) @ table
        return np.asarray(scores if isinstance(scores, np.ndarray) else scores.toarray(), np.float32)

    return score
