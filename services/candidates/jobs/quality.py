from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.candidates.jobs.events import Events
from services.candidates.jobs.ratings import Ratings
from services.candidates.jobs.rows import Rows

_USERS: Final = 2_000
_FEWEST_USERS: Final = 30
_FOUND: Final = 100


def recall(rows: Rows, item_nos: NDArray[np.uint32], past: Ratings, future: Events) -> float | None:
    """Returns the mean share of what users newly turned to afterwards that is among the 100 items of the greatest
    Σ_h rating(h) × score(h, j); None where there are too few users to say.

    `rows` were computed from the past alone. New to a user is what has no rating of theirs; at most 2,000 users are
    looked at, those of the lowest numbers.
    """
    users, items = future.users[future.strengths > 0], future.items[future.strengths > 0]
    known = np.isin(users, past.user_nos) & np.isin(items, item_nos)
    pairs = np.unique(users[known].astype(np.int64) << 32 | items[known])
    rated = np.repeat(past.user_nos.astype(np.int64), np.diff(past.matrix.indptr)) << 32
    pairs = pairs[~np.isin(pairs, rated | past.item_nos[past.matrix.indices])]
    tested = np.unique(pairs >> 32)[:_USERS]
    if len(tested) < _FEWEST_USERS:
        return None
    scores = sparse.csr_array((rows.scores, rows.columns, rows.starts), (len(item_nos), len(item_nos)))
    # The ratings' items are a part of the rows' items or the other way round: both go by number.
    history = past.matrix[np.searchsorted(past.user_nos, tested)].tocoo()
    inside = np.isin(past.item_nos[history.col], item_nos)
    columns = np.searchsorted(item_nos, past.item_nos[history.col[inside]])
    shape = (len(tested), len(item_nos))
    ratings = sparse.csr_array((history.data[inside], (history.row[inside], columns)), shape)
    found = sparse.csr_array(ratings @ scores)
    shares = []
    for row, user in enumerate(tested):
        wanted = np.searchsorted(item_nos, pairs[pairs >> 32 == user] & 0xFFFFFFFF)
        part = slice(found.indptr[row], found.indptr[row + 1])
        new = ~np.isin(found.indices[part], ratings.indices[ratings.indptr[row] : ratings.indptr[row + 1]])
        first = np.argsort(-found.data[part][new], kind="stable")[:_FOUND]
        shares.append(np.isin(wanted, found.indices[part][new][first]).mean())
    return float(np.mean(shares))
