"""Makes artifacts of what the jobs computed."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.job_settings import TasteSettings
from services.candidates.jobs.ratings import Ratings
from services.candidates.jobs.rows import Rows


def neighbors_of(rows: Rows, item_nos: NDArray[np.uint32], digests: Mapping[int, int]) -> Neighbors | None:
    """Returns the rows of `item_nos` (ascending) by item number; None where they are empty."""
    if not len(rows):
        return None
    return Neighbors(
        item_nos=item_nos,
        digests=digests_of(item_nos, digests),
        starts=rows.starts,
        neighbors=item_nos[rows.columns],
        similarities=rows.scores,
        supports=rows.supports,
    )


def user_ratings_of(ratings: Ratings, settings: TasteSettings, digests: Mapping[int, int]) -> UserRatings | None:
    """Returns the ratings of the users with the most items, as far as settings allow; None where there are none.

    A user of one item has no taste that could be compared.
    """
    counts = np.diff(ratings.matrix.indptr)
    several = np.flatnonzero(counts > 1)
    kept = np.sort(several[np.argsort(-counts[several], kind="stable")[: settings.users]])
    if not len(kept):
        return None
    matrix = ratings.matrix[kept]
    matrix.sort_indices()
    return UserRatings(
        item_nos=ratings.item_nos,
        digests=digests_of(ratings.item_nos, digests),
        starts=matrix.indptr.astype(np.int64),
        items=matrix.indices.astype(np.uint32),
        ratings=matrix.data.astype(np.float32),
    )


def digests_of(item_nos: NDArray[np.uint32], digests: Mapping[int, int]) -> NDArray[np.uint32]:
    """Returns the checksum of each item's id."""
    return np.array([digests[int(item_no)] for item_no in item_nos], np.uint32)
