from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from services.candidates.artifacts.group_tastes import Group, GroupTastes
from services.candidates.job_settings import TasteSettings
from services.candidates.jobs.cosine import with_values
from services.candidates.jobs.ratings import Ratings
from services.candidates.jobs.tables import digests_of


def group_tastes(
    ratings: Ratings,
    groups_of_users: Mapping[int, Sequence[Group]],
    settings: TasteSettings,
    digests: Mapping[int, int],
    *,
    minimum_users: int = 1,
) -> GroupTastes | None:
    """Returns what each group of at least `group_users` users interacts with; None where there is no such group. An
    item that fewer than `minimum_users` of the group interacted with is no taste of the group's.

    `groups_of_users` is by user number. With R_gj the group's sum of ratings of item j, R_g that of all items, p_j the
    item's share of all users' ratings and m the ratings of `group_smoothing` average users:
    share(g, j) = (R_gj + m p_j) / (R_g + m), lift(g, j) = share(g, j) / p_j.
    A group keeps the items of the greatest share and those of the greatest share × ln(lift), `group_items` of each.
    """
    groups, members = _members(ratings, groups_of_users, settings.group_users)
    if not groups:
        return None
    of_all = np.asarray(ratings.matrix.sum(axis=0), np.float64)
    overall = of_all / of_all.sum()
    added = settings.group_smoothing * of_all.sum() / ratings.matrix.shape[0]
    sums = sparse.csr_array(members @ ratings.matrix)
    supports = sparse.csr_array(members @ with_values(ratings.matrix, 1.0))
    rows, lengths = [], []
    for row in range(len(groups)):
        part = slice(sums.indptr[row], sums.indptr[row + 1])
        items = sums.indices[part]
        shares = (sums.data[part] + added * overall[items]) / (sums.data[part].sum() + added)
        lifts = shares / overall[items]
        counts = supports.data[part]
        shown = np.flatnonzero(counts >= minimum_users)
        leanings = shares * np.log(lifts)
        chosen = shown[_chosen(items[shown], shares[shown], leanings[shown], settings.group_items)]
        lengths.append(len(chosen))
        rows.append((items[chosen], shares[chosen], lifts[chosen], counts[chosen]))
    items, shares, lifts, counts = (np.concatenate(column) for column in zip(*rows, strict=True))
    return GroupTastes(
        groups=groups,
        item_nos=ratings.item_nos,
        digests=digests_of(ratings.item_nos, digests),
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=items.astype(np.uint32),
        shares=shares.astype(np.float32),
        lifts=lifts.astype(np.float32),
        supports=counts.astype(np.uint32),
    )


def _members(
    ratings: Ratings, groups_of_users: Mapping[int, Sequence[Group]], minimum: int
) -> tuple[tuple[Group, ...], "sparse.csr_array[np.float64]"]:
    """Returns the groups that are large enough, in order, and who is in them, [groups, users] of ones."""
    users: dict[Group, list[int]] = {}
    for row, user_no in enumerate(ratings.user_nos.tolist()):
        for group in groups_of_users.get(user_no, ()):
            users.setdefault(group, []).append(row)
    groups = tuple(sorted(group for group, members in users.items() if len(members) >= minimum))
    rows = np.repeat(np.arange(len(groups)), [len(users[group]) for group in groups])
    columns = np.concatenate([users[group] for group in groups]) if groups else np.zeros(0, np.int64)
    shape = (len(groups), ratings.matrix.shape[0])
    return groups, sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape)


def _chosen(
    items: NDArray[np.integer], shares: NDArray[np.float64], leanings: NDArray[np.float64], count: int
) -> NDArray[np.intp]:
    """Returns the places of the `count` first of each order, those of the greatest share first."""
    by_share = np.lexsort((items, -shares))
    by_leaning = np.lexsort((items, -leanings))[:count]
    kept = np.zeros(len(items), np.bool_)
    kept[by_share[:count]] = kept[by_leaning] = True
    return by_share[kept[by_share]]
