from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.candidates.job_settings import BasketSettings
from services.candidates.jobs.events import Events
from services.candidates.jobs.rows import Rows, RowsBuilder, blocks
from services.common.progress import NoProgress, Progress

_MILLIS_PER_HOUR: Final = 3_600_000


def bought_together(
    events: Events,
    item_nos: NDArray[np.uint32],
    settings: BasketSettings,
    block_entries: int,
    progress: Progress | None = None,
    *,
    only: NDArray[np.integer] | None = None,
) -> Rows:
    """Returns for each of `item_nos` (ascending), or for those at the places `only`, the items that are bought in one
    basket with it more than by chance.

    score(i, j) = ln((n_ij + s) / (n_i n_j / N + s)): the logarithm of the lift, drawn towards 1 (ln 1 = 0) by s baskets
    of mere chance; n counts baskets, N all of them. Pairs with fewer than `minimum_support` baskets, or bought less
    often than by chance, are left out. A basket is an order or, where orders have no id, what a user bought within one
    clock hour. The supports count users and not baskets: one user's habit is one user's.
    """
    baskets, owners = _baskets(events, item_nos, settings.largest)
    by_item = baskets.T.tocsr()
    counts = np.diff(by_item.indptr).astype(np.float64)
    items_of_basket = np.diff(baskets.indptr).astype(np.int64)
    costs = np.diff(np.concatenate([[0], np.cumsum(items_of_basket[by_item.indices])])[by_item.indptr])
    wanted = np.arange(len(item_nos)) if only is None else only
    builder = RowsBuilder(settings.per_item)
    with (progress or NoProgress()).task("baskets", total=len(wanted)) as task:
        for stretch in blocks(costs[wanted], block_entries):
            rows = by_item[wanted[stretch]]
            together = sparse.csr_array(rows @ baskets)
            users = _users_together(rows, baskets, owners)
            for matrix in (together, users):
                matrix.sort_indices()  # one pattern: an entry of each is a pair that shares a basket
            places = np.repeat(wanted[stretch], np.diff(together.indptr))
            chance = counts[places] * counts[together.indices] / max(1, baskets.shape[0])
            scores = np.log((together.data + settings.shrinkage) / (chance + settings.shrinkage))
            scores[(together.data < settings.minimum_support) | (together.indices == places)] = 0.0
            for row in range(stretch.stop - stretch.start):
                part = slice(together.indptr[row], together.indptr[row + 1])
                builder.add(together.indices[part], scores[part], users.data[part])
            task.advance(stretch.stop - stretch.start)
    return builder.build()


def _baskets(
    events: Events, item_nos: NDArray[np.uint32], largest: int
) -> tuple["sparse.csr_array[np.float32]", NDArray[np.int64]]:
    """Returns which items are in which basket, float32[baskets, items] of ones, and the user of each basket."""
    bought = events.where(events.bought & np.isin(events.items, item_nos))
    hours = bought.millis // _MILLIS_PER_HOUR
    # An order is a basket of its own; without one it is the hour, told apart from orders by its sign.
    marks = np.where(bought.orders > 0, bought.orders.astype(np.int64), -1 - hours)
    order = np.lexsort((marks, bought.users))
    users, marks, items = bought.users[order].astype(np.int64), marks[order], bought.items[order]
    fresh = np.ones(len(users), np.bool_)
    fresh[1:] = (users[1:] != users[:-1]) | (marks[1:] != marks[:-1])
    places = np.cumsum(fresh) - 1
    pairs = np.unique(places << 32 | np.searchsorted(item_nos, items))
    rows = pairs >> 32
    inside = np.arange(len(rows)) - np.searchsorted(rows, rows) < largest
    shape = (int(np.count_nonzero(fresh)), len(item_nos))
    ones = np.ones(np.count_nonzero(inside), np.float32)
    return sparse.csr_array((ones, (rows[inside], (pairs & 0xFFFFFFFF)[inside])), shape), users[fresh]


def _users_together(
    rows: "sparse.csr_array[np.float32]", baskets: "sparse.csr_array[np.float32]", owners: NDArray[np.int64]
) -> "sparse.csr_array[np.float32]":
    """Returns the distinct users who have both in one basket, [rows, items]."""
    items = np.repeat(np.arange(rows.shape[0], dtype=np.int64), np.diff(rows.indptr))
    ones = np.ones(len(items), np.float32)
    pairs, places = np.unique(items << 32 | owners[rows.indices], return_inverse=True)
    of_user = sparse.csr_array((ones, (places, rows.indices)), (len(pairs), baskets.shape[0]))
    taken = sparse.csr_array(of_user @ baskets)  # [item and user, items]
    taken.data[:] = 1.0
    of_item = sparse.csr_array(
        (np.ones(len(pairs), np.float32), (pairs >> 32, np.arange(len(pairs)))), (rows.shape[0], len(pairs))
    )
    return sparse.csr_array(of_item @ taken)
