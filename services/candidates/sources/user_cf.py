from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.arrays import gather
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.proposals import Proposals, best, nothing
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.common.sorted_lookup import contained, grouped

# Ratings that one search reads: its cost does not grow with the users. The items with the fewest users, which say the
# most, are read first.
_POSTINGS_READ: Final = 20_000
_FEWEST_LISTS: Final = 10
_COMPARED: Final = 500
_NEIGHBORS: Final = 50
_SHRINKAGE: Final = 5.0
_FEWEST_COMMON: Final = 2


class UserCf:
    """Items that users with a taste like this visitor's interacted with.

    similarity(i, v) = Σ_k (r_ik - μ_i)(r_vk - μ_v) / (√Σ_k (r_ik - μ_i)² √Σ_k (r_vk - μ_v)²), Pearson over the items k
    that both rated, with each user's mean μ over all of theirs; times n / (n + 5) for n items in common, at least 2.
    score(j) = Σ_v similarity(i, v) × r_vj over the 50 most similar users v. The visitor's ratings are the weights of
    the history, so that the last click counts. The sum is not divided by the similarities': what many of a like mind
    took comes before what one did.
    """

    name: ClassVar[str] = "user_cf"
    quota: ClassVar[int] = 80
    weight: ClassVar[float] = 0.5

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return "" if self._inputs.user_ratings.value is not None else "no users' ratings are loaded; run the build"

    def applies(self, query: Query) -> bool:
        return len(query.history.item_nos) >= _FEWEST_COMMON

    async def propose(self, query: Query, quota: int) -> Proposals:
        table = self._inputs.user_ratings.value
        item_nos, ratings = query.history.strongest(self._inputs.settings.history.rated_items)
        if table is None or len(item_nos) < _FEWEST_COMMON:
            return nothing()
        found, scores = taken_by_similar(table, item_nos, ratings)
        if not len(found):
            return nothing()
        fit = query.eligibility.admits(found) & ~contained(found, query.history.item_nos)
        return best(found[fit], scores[fit], quota)


def taken_by_similar(
    table: UserRatings, item_nos: NDArray[np.uint32], ratings: NDArray[np.float64]
) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
    """Returns what the users most like one with these ratings interacted with, by number, and its scores."""
    users, similarities = similar_users(table, item_nos, ratings)
    positions, lengths = gather(table.starts, users)
    if not len(positions):
        return np.zeros(0, np.uint32), np.zeros(0)
    terms = np.repeat(similarities, lengths) * table.ratings[positions]
    items, order, starts = grouped(table.items[positions])
    return table.item_nos[items], np.add.reduceat(terms[order], starts)


def similar_users(
    table: UserRatings, item_nos: NDArray[np.uint32], ratings: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns the users most like one with these ratings, the likest first, and their similarities above 0."""
    places = np.minimum(np.searchsorted(table.item_nos, item_nos), len(table.item_nos) - 1)
    known = table.item_nos[places] == item_nos
    order = np.argsort(places[known], kind="stable")
    own, centered = places[known][order], (ratings - ratings.mean())[known][order]
    users = _candidates(table, own)
    if not len(users):
        return np.zeros(0, np.int64), np.zeros(0)
    positions, lengths = gather(table.starts, users)
    owners = np.repeat(np.arange(len(users)), lengths)
    at = np.minimum(np.searchsorted(own, table.items[positions]), len(own) - 1)
    common = own[at] == table.items[positions]
    owners, mine = owners[common], centered[at[common]]
    theirs = table.ratings[positions[common]] - table.means[users[owners]]
    count, products, squares, others = (
        np.bincount(owners, values, minlength=len(users))
        for values in (np.ones(len(owners)), mine * theirs, mine**2, theirs**2)
    )
    norms = np.sqrt(squares * others)
    # Equal ratings have no variance: nothing can be said of who gives only such.
    varied = norms > 1e-9
    similarities = np.zeros(len(users))
    similarities[varied] = np.clip(products[varied] / norms[varied], -1.0, 1.0) * (count / (count + _SHRINKAGE))[varied]
    likest = np.lexsort((users, -similarities))[:_NEIGHBORS]
    likest = likest[similarities[likest] > 0]
    return users[likest], similarities[likest]


def _candidates(table: UserRatings, items: NDArray[np.intp]) -> NDArray[np.int64]:
    """Returns the users who share the most of `items`, at least two."""
    if not len(items):
        return np.zeros(0, np.int64)
    begins = table.user_starts[items]
    # Of an item that everyone has the first users are read, who are the same ones for another such item.
    taken = np.minimum(table.user_starts[items + 1] - begins, _POSTINGS_READ // min(len(items), _FEWEST_LISTS))
    rarest = np.argsort(taken, kind="stable")
    rarest = rarest[np.cumsum(taken[rarest]) <= _POSTINGS_READ]
    read = [table.users[begins[place] : begins[place] + taken[place]] for place in rarest]
    users, order, starts = grouped(np.concatenate(read))
    counts = np.diff(np.append(starts, len(order)))
    shared = np.flatnonzero(counts >= _FEWEST_COMMON)
    shared = shared[np.argsort(-counts[shared], kind="stable")[:_COMPARED]]
    return np.sort(users[shared]).astype(np.int64)
