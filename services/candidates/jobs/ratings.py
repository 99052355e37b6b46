from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.candidates.jobs.events import Events

_MILLIS_PER_DAY: Final = 86_400_000
Matrix: TypeAlias = "sparse.csr_array[np.float32]"
Triples: TypeAlias = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.float32]]
"""Users, items and ratings."""


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
    found = [_of_users(portion, half_life_days, as_of, items_per_user) for portion in events.by_users()]
    users, items, ratings = (np.concatenate(column) for column in zip(*found, strict=True))
    return _matrix(users, items, ratings, minimum_users)


def _of_users(events: Events, half_life_days: float, as_of_millis: int, items_per_user: int) -> Triples:
    """Returns the ratings of some users, by user, then by item."""
    weights = events.strengths * np.exp2((events.millis - as_of_millis) / (_MILLIS_PER_DAY * half_life_days))
    pairs = events.users.astype(np.int64) << 32 | events.items
    # Summed in order of time and weight: floating-point sums then do not depend on the order of arrival.
    order = np.lexsort((weights, events.millis, pairs))
    pairs = pairs[order]
    fresh = np.ones(len(pairs), np.bool_)
    fresh[1:] = pairs[1:] != pairs[:-1]
    pairs, strengths = pairs[fresh], np.bincount(np.cumsum(fresh) - 1, weights[order])
    # A sum that was taken back wholly leaves a rounding error behind.
    kept = strengths > 1e-9
    pairs, ratings = pairs[kept], np.log1p(strengths[kept])
    users = pairs >> 32
    by_rating = np.lexsort((pairs, -ratings, users))
    strongest = np.sort(by_rating[np.arange(len(users)) - np.searchsorted(users, users) < items_per_user])
    items = pairs[strongest] & 0xFFFFFFFF
    return users[strongest].astype(np.uint32), items.astype(np.uint32), ratings[strongest].astype(np.float32)


def _matrix(
    users: NDArray[np.uint32], items: NDArray[np.uint32], ratings: NDArray[np.float32], minimum_users: int
) -> Ratings:
    """Makes the matrix of ratings in order of user and item. Item numbers are dense: a catalog counts them."""
    wide = np.bincount(items) >= max(1, minimum_users)
    if not wide.all():
        kept = wide[items]
        users, items, ratings = users[kept], items[kept], ratings[kept]
    places = np.cumsum(wide, dtype=np.int32) - 1
    fresh = np.ones(len(users), np.bool_)
    fresh[1:] = users[1:] != users[:-1]
    starts = np.append(np.flatnonzero(fresh), len(users))
    item_nos = np.flatnonzero(wide).astype(np.uint32)
    shape = (len(starts) - 1, len(item_nos))
    return Ratings(sparse.csr_array((ratings, places[items], starts), shape), users[fresh], item_nos)
