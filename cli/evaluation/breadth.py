"""What a ranking shows beside being right: how much of the catalog, how varied, how unexpected, how often the same.

`ranked` is the first places of every user; items are numbers from 0, columns below are by item.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Lists = Sequence[NDArray[np.int64]]


def coverage(ranked: Lists, items: int) -> float:
    """Share of the `items` that could be shown that some user is shown: catalog coverage (Ge, Delgado-Battenfeld and
    Jannach 2010), 0 to 1.
    """
    shown = np.unique(np.concatenate(ranked)) if ranked else np.zeros(0)
    return len(shown) / items if items else 0.0


def diversity(ranked: NDArray[np.int64], category_nos: NDArray[np.integer]) -> float:
    """Mean distance between two items of one list, 0 (all alike) to 1: intra-list diversity (Ziegler et al. 2005).

    The distance is the share of the category path's levels, `category_nos` (items, levels) with 0 where a path ends,
    from which on two items differ; an item without a category differs from all. NaN for a list of fewer than two items.
    """
    if len(ranked) < 2:
        return float("nan")
    paths = category_nos[ranked]
    same = (paths[:, None, :] == paths[None, :, :]) & (paths[:, None, :1] > 0)
    common = np.logical_and.accumulate(same, axis=2).mean(axis=2)
    return float(1.0 - common[np.triu_indices(len(ranked), k=1)].mean())


def novelty(ranked: NDArray[np.int64], buyers: NDArray[np.integer], users: int) -> float:
    """Mean surprise of a list's items in bits, -log2(share of users who bought the item): mean self-information (Zhou
    et al. 2010). An item that nobody bought counts as if one user had. NaN for an empty list or a shop without users.
    """
    if not len(ranked) or not users:
        return float("nan")
    shares = np.clip(buyers[ranked], 1, users) / users
    return float(-np.log2(shares).mean())


def repeated(ranked: NDArray[np.int64], bought: NDArray[np.integer]) -> float:
    """Share of a list that the user had bought before, 0 to 1; NaN for an empty list."""
    return float(np.isin(ranked, bought).mean()) if len(ranked) else float("nan")
