"""Scores by counting: which items are taken together (co-occurrence, EASE) and which follow which. Each scores every
item for a history.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bench.sequences.leave_one_out import Histories, Score
from cli.ease_weights import ease_weights

Block: TypeAlias = "sparse.csr_matrix[np.float32]"
"""Some items' rows of a table of items by items."""

FADINGS: Final = (0.9, 0.5)
"""What an item of the history counts beside the one after it: the whole history, or its end."""

SHRINKAGE: Final = 10.0
"""Added to the squared length of what a cosine is divided by: a few common users are no proof."""

REACH: Final = 5
"""Steps over which one item is taken to follow another; each counts 1 / steps."""

LAST: Final = 100
"""A history's last items, those that are counted: pairs grow with the square of a length."""

NEIGHBORS: Final = 500
"""An item's strongest others that are kept: memory grows with the number of items, not with that of pairs."""

MOST_ITEMS: Final = 20_000
"""Items of which the inverse is made: it takes items² numbers and items³ steps."""

PENALTY: Final = 100.0
"""Of the squared weights."""

_BLOCK_PAIRS: Final = 20_000_000
"""Pairs that are counted at once."""


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


class CoOccurrence:
    """Item-to-item scores from sequences.

    Undirected: cosine of the items' users, shrunk (Sarwar et al., 2001). Directed: how often an item followed another,
    by the inverse of the steps between them, divided by the root of the first one's frequency.
    """

    def __init__(self, histories: Histories, item_count: int) -> None:
        last = [history[-LAST:] for history in histories]
        users = history_matrix(last, item_count)
        users.sum_duplicates()
        users.data[:] = 1.0
        squares = np.asarray(users.sum(axis=0), np.float32).ravel()
        self.undirected = _strongest(_cosines(users, squares))
        self.directed = _strongest(_next_items(last, squares, item_count))

    def parts(self) -> list[Score]:
        """Returns what may be blended: both kinds, each by the whole history and by its end."""
        return [part for table in (self.undirected, self.directed) for part in scored_by(table)]


def _cosines(users: "sparse.csr_matrix[np.float32]", squares: NDArray[np.float32]) -> Iterator[Block]:
    items = users.T.tocsr()
    pairs = items @ np.diff(users.indptr).astype(np.float32)  # of each item with those of its users' histories
    for rows in _blocks(pairs):
        block = (items[rows] @ users).tocoo()
        lengths = np.sqrt(squares[rows][block.row] * squares[block.col])
        values = (block.data / (lengths + np.float32(SHRINKAGE))).astype(np.float32)
        values[block.row + rows.start == block.col] = 0.0
        yield sparse.csr_matrix((values, (block.row, block.col)), shape=block.shape)


def _next_items(histories: Histories, squares: NDArray[np.float32], item_count: int) -> Iterator[Block]:
    users = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    taken = (np.concatenate([*histories]) - 1).astype(np.int32)
    by_item = np.argsort(taken, kind="stable")
    starts = np.searchsorted(taken[by_item], np.arange(item_count + 1))
    for rows in _blocks(np.diff(starts) * float(REACH)):
        firsts = by_item[starts[rows.start] : starts[rows.stop]]
        befores, afters, values = [], [], []
        for steps in range(1, REACH + 1):
            firsts = firsts[firsts + steps < len(users)]
            firsts = firsts[users[firsts + steps] == users[firsts]]
            befores.append(taken[firsts] - rows.start)
            afters.append(taken[firsts + steps])
            values.append(1.0 / (steps * np.sqrt(squares[taken[firsts]] + np.float32(SHRINKAGE))))
        entries = (np.concatenate(befores), np.concatenate(afters))
        shape = (rows.stop - rows.start, item_count)
        yield sparse.csr_matrix((np.concatenate(values).astype(np.float32), entries), shape=shape)


def _blocks(pairs: NDArray[Any]) -> Iterator[slice]:
    """Yields all rows in stretches of at most `_BLOCK_PAIRS` pairs; of one row at least."""
    ends, begin = np.cumsum(pairs, dtype=np.float64), 0
    while begin < len(ends):
        before = ends[begin - 1] if begin else 0.0
        end = max(begin + 1, int(np.searchsorted(ends, before + _BLOCK_PAIRS, "right")))
        yield slice(begin, end)
        begin = end


def _strongest(blocks: Iterator[Block]) -> Block:
    """Returns the blocks above one another, of each row the `NEIGHBORS` greatest values."""
    kept = []
    for block in blocks:
        rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        order = np.lexsort((-block.data, rows))
        ranks = np.arange(len(rows)) - block.indptr[rows]
        entries = order[ranks < NEIGHBORS]
        stronger = (block.data[entries], (rows[entries], block.indices[entries]))
        kept.append(sparse.csr_matrix(stronger, shape=block.shape))
    return sparse.csr_matrix(sparse.vstack(kept, format="csr"))


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
