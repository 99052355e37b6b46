from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.candidates.job_settings import NeighborSettings, Similarity
from services.candidates.jobs.cosine import Cosine
from services.candidates.jobs.pearson import Pearson
from services.candidates.jobs.ratings import Matrix
from services.candidates.jobs.rows import Rows, RowsBuilder, blocks
from services.common.progress import NoProgress, Progress


class Measure(Protocol):
    """A similarity of items."""

    def of(self, rows: NDArray[np.integer]) -> tuple[Matrix, NDArray[np.floating]]:
        """Returns how many users `rows` share with every item, [rows, items], and the similarity of each entry."""
        ...


def nearest_items(
    ratings: Matrix,
    settings: NeighborSettings,
    block_entries: int,
    progress: Progress | None = None,
    only: NDArray[np.integer] | None = None,
) -> Rows:
    """Returns the `per_item` nearest items of every column of `ratings` float32[users, items], or of those in `only`.

    The similarity, cosine or Pearson, is multiplied by n / (n + shrinkage), where n counts the users of both, for pairs
    with n >= minimum_support: what few users have in common by chance is kept from the top. Works through blocks of
    items whose products hold at most `block_entries` pairs.
    """
    measure: Measure = Pearson(ratings) if settings.similarity is Similarity.PEARSON else Cosine(ratings)
    wanted = np.arange(ratings.shape[1]) if only is None else only
    builder = RowsBuilder(settings.per_item)
    with (progress or NoProgress()).task("neighbors", total=len(wanted)) as task:
        for stretch in blocks(_costs(ratings)[wanted], block_entries):
            rows = wanted[stretch]
            support, similarities = measure.of(rows)
            shrunk = similarities * (support.data / (support.data + settings.shrinkage))
            shrunk[support.data < settings.minimum_support] = 0.0
            shrunk[support.indices == np.repeat(rows, np.diff(support.indptr))] = 0.0
            for row in range(len(rows)):
                part = slice(support.indptr[row], support.indptr[row + 1])
                builder.add(support.indices[part], shrunk[part], support.data[part])
            task.advance(len(rows))
    return builder.build()


def _costs(ratings: Matrix) -> NDArray[np.int64]:
    """Returns how many pairs each item can have at the most."""
    items_of_user = np.diff(ratings.indptr).astype(np.int64)
    by_item = ratings.tocsc()
    reached = np.concatenate([[0], np.cumsum(items_of_user[by_item.indices])])
    costs: NDArray[np.int64] = np.minimum(np.diff(reached[by_item.indptr]), ratings.shape[1])
    return costs
