from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.candidates.jobs.events import Events

_MILLIS_PER_DAY: Final = 86_400_000
Matrix: TypeAlias = "sparse.csr_array[np.float32]"


@dataclass(frozen=True, slots=True)
class Ratings:
    """Implicit ratings: `matrix` float32[users, items], row u being of `user_nos`[u], column i of `item_nos`[i], both
    ascending.
    """

    matrix: Matrix
    user_nos: NDArray[np.uint32]
    item_nos: NDArray[np.uint32]


def implicit_ratings(
    events: Events,
    half_life_days: float,
    *,
    items_per_user: int,
    minimum_users: int = 1,
    as_of_millis: int | None = None,
) -> Ratings:
    """Returns r_ui = ln(1 + Σ_events strength × 2^(-age / half-life)), where that is above 0.

    Ages count from `as_of_millis`, by default from the newest event, so that the same log always gives the same
    ratings. What was taken back (refund, removal) subtracts. Of a user the `items_per_user` highest ratings count;
    items with fewer than `minimum_users` users are left out.
    """
    if not len(events):
        return Ratings(sparse.csr_array(np.zeros((0, 0), np.float32)), np.zeros(0, np.uint32), np.zeros(0, np.uint32))
    as_of = events.newest_millis if as_of_millis is None else as_of_millis
    weights = events.strengths * np.exp2((events.millis - as_of) / (_MILLIS_PER_DAY * half_life_days))
    pairs, places = np.unique(events.users.astype(np.int64) << 32 | events.items, return_inverse=True)
    # Summed in order of time and weight: floating-point sums then do not depend on the order of arrival.
    order = np.lexsort((weights, events.millis, places))
    strengths = np.bincount(places[order], weights[order], minlength=len(pairs))
    # A sum that was taken back wholly leaves a rounding error behind.
    kept = strengths > 1e-9
    return _matrix(pairs[kept], np.log1p(strengths[kept]), items_per_user, minimum_users)


def _matrix(pairs: NDArray[np.int64], ratings: NDArray[np.float64], items_per_user: int, minimum_users: int) -> Ratings:
    users, items = pairs >> 32, pairs & 0xFFFFFFFF
    order = np.lexsort((items, -ratings, users))
    users, items, ratings = users[order], items[order], ratings[order]
    firsts = np.searchsorted(users, users)
    strongest = np.arange(len(users)) - firsts < items_per_user
    users, items, ratings = users[strongest], items[strongest], ratings[strongest]
    _, columns, counts = np.unique(items, return_inverse=True, return_counts=True)
    wide = counts[columns] >= minimum_users
    item_nos, columns = np.unique(items[wide], return_inverse=True)
    user_nos, rows = np.unique(users[wide], return_inverse=True)
    shape = (len(user_nos), len(item_nos))
    matrix = sparse.csr_array((ratings[wide].astype(np.float32), (rows, columns)), shape)
    return Ratings(matrix, user_nos.astype(np.uint32), item_nos.astype(np.uint32))
