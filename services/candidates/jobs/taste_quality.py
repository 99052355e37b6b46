"""How well what is kept of tastes foresees what users newly turn to, by the sources' own scores."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.group_tastes import Group, GroupTastes
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.jobs.quality import HeldOut
from services.candidates.sources.demographic import leanings_of
from services.candidates.sources.user_cf import taken_by_similar


def by_similar_users(held_out: HeldOut, table: UserRatings, rated_items: int) -> Iterator[NDArray[np.uint32]]:
    """Yields each user's ranking as `user_cf` makes it, by their `rated_items` strongest ratings."""
    matrix, item_nos = held_out.ratings.matrix, held_out.ratings.item_nos
    for place in range(len(held_out.ratings.user_nos)):
        own = slice(matrix.indptr[place], matrix.indptr[place + 1])
        strongest = np.argsort(-matrix.data[own], kind="stable")[:rated_items]
        rated, ratings = item_nos[matrix.indices[own][strongest]], matrix.data[own][strongest].astype(np.float64)
        yield _best(*taken_by_similar(table, rated, ratings))


def by_groups(
    held_out: HeldOut, tastes: GroupTastes, groups: Mapping[int, Sequence[Group]]
) -> Iterator[NDArray[np.uint32] | None]:
    """Yields each user's ranking as `demographic` makes it; None for who is in no group."""
    for user in held_out.ratings.user_nos.tolist():
        own = tuple(groups.get(user, ()))
        yield _best(*leanings_of(tastes, own)) if own else None


def _best(item_nos: NDArray[np.uint32], scores: NDArray[np.float64]) -> NDArray[np.uint32]:
    return item_nos[np.argsort(-scores, kind="stable")]
