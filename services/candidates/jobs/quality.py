from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.candidates.jobs.events import Events
from services.candidates.jobs.item_tables import ItemTable
from services.candidates.jobs.ratings import Ratings, implicit_ratings
from services.candidates.settings import CandidatesSettings
from services.common.sorted_lookup import contained, distinct

MOST_USERS: Final = 2_000
_LOOKED_AT: Final = 20_000
FEWEST_USERS: Final = 30
_FOUND: Final = 100
MILLIS_PER_HOUR: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What some users newly turned to in the log's last hours, and what there was before.

    `wanted` are pairs user << 32 | item, ascending; `ratings` those that the same users, and they alone, had given.
    """

    past: Events
    ratings: Ratings
    wanted: NDArray[np.int64]

    @classmethod
    def of(cls, events: Events, settings: CandidatesSettings) -> "HeldOut | None":
        """Holds the last `held_out_hours` out; None where they are too few, or there are too few users to say anything.

        New to a user is what has no rating of theirs; what nobody interacted with before cannot be foreseen and is not
        asked for. At most 2,000 users are looked at, those of the lowest numbers.
        """
        hours = settings.jobs.held_out_hours
        late = events.millis > events.newest_millis - hours * MILLIS_PER_HOUR
        if not hours or late.all():
            return None
        past = events.where(~late)
        taken = events.where(late & (events.strengths > 0))
        wanted = distinct(taken.users.astype(np.int64) << 32 | taken.items)
        wanted = wanted[contained(wanted & 0xFFFFFFFF, distinct(past.items))]
        asked = distinct(wanted >> 32)[:_LOOKED_AT]
        own = past.where(contained(past.users, asked.astype(np.uint32)))
        neighbors = settings.neighbors
        ratings = implicit_ratings(own, neighbors.half_life_days, items_per_user=neighbors.items_per_user)
        wanted = wanted[contained(wanted >> 32, ratings.user_nos) & ~contained(wanted, _pairs(ratings))]
        asked = distinct(wanted >> 32)[:MOST_USERS]
        if len(asked) < FEWEST_USERS:
            return None
        rows = np.flatnonzero(contained(ratings.user_nos, asked))
        kept = Ratings(ratings.matrix[rows], ratings.user_nos[rows], ratings.item_nos)
        return cls(past, kept, wanted[contained(wanted >> 32, asked)])

    @property
    def items(self) -> NDArray[np.uint32]:
        """The items that the users interacted with before, ascending: what is asked for goes by their rows."""
        return self.ratings.item_nos[distinct(self.ratings.matrix.indices)]

    def recall(self, rankings: Iterable[NDArray[np.uint32] | None]) -> float | None:
        """Returns the mean share of what the users newly turned to that is among the first 100 of their rankings, one
        for each user in the order of `ratings`. Items that a user rated before are passed over; a user without a
        ranking (None) does not count. None: too few users count to say anything.
        """
        rated, shares = _pairs(self.ratings), []
        for user, ranking in zip(self.ratings.user_nos.astype(np.int64), rankings, strict=True):
            if ranking is None:
                continue
            pairs = user << 32 | ranking.astype(np.int64)
            pairs = pairs[~contained(pairs, rated)][:_FOUND]
            begin, end = np.searchsorted(self.wanted, (user << 32, (user + 1) << 32))
            shares.append(np.isin(self.wanted[begin:end], pairs).mean())
        return float(np.mean(shares)) if len(shares) >= FEWEST_USERS else None

    def by_table(self, table: ItemTable) -> Iterator[NDArray[np.uint32]]:
        """Yields each user's ranking by Σ_h rating(h) × score(h, j). `table` is to have the rows of `items`, made from
        the past alone.
        """
        ratings, rows = self.ratings, table.rows
        shape = (len(table.owners), len(table.item_nos))
        scores = sparse.csr_array((rows.scores, rows.columns, rows.starts), shape)
        given = ratings.matrix.tocoo()
        inside = contained(ratings.item_nos[given.col], table.owners)
        columns = np.searchsorted(table.owners, ratings.item_nos[given.col[inside]])
        shape = (len(ratings.user_nos), len(table.owners))
        found = sparse.csr_array(sparse.csr_array((given.data[inside], (given.row[inside], columns)), shape) @ scores)
        for place in range(len(ratings.user_nos)):
            part = slice(found.indptr[place], found.indptr[place + 1])
            yield table.item_nos[found.indices[part][np.argsort(-found.data[part], kind="stable")]]


def _pairs(ratings: Ratings) -> NDArray[np.int64]:
    """Returns the user << 32 | item of each rating, ascending."""
    users = np.repeat(ratings.user_nos.astype(np.int64), np.diff(ratings.matrix.indptr))
    return users << 32 | ratings.item_nos[ratings.matrix.indices]
