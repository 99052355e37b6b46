from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.common.item_state import IN_CATALOG
from services.features.catalog.columns import Columns
from services.features.catalog.numbers import Numbers


class CategoryNode(NamedTuple):
    """A node of the tree, with the items of its whole branch."""

    category_no: int
    names: tuple[str, ...]
    item_count: int


def list_branch(numbers: Numbers, columns: Columns, root_no: int) -> list[CategoryNode]:
    """Returns all that lies below a category (0: the whole tree): parents before children, siblings by name."""
    counts = branch_counts(numbers, columns)
    children: dict[int, list[int]] = {}
    for category_no, parent_no in enumerate(numbers.category_parents):
        if category_no:
            children.setdefault(parent_no, []).append(category_no)
    nodes: list[CategoryNode] = []
    path = tuple(numbers.category_names[no] for no in numbers.path_nos(root_no))
    stack = [(root_no, path)]
    while stack:
        category_no, names = stack.pop()
        if category_no != root_no:
            nodes.append(CategoryNode(category_no, names, int(counts[category_no])))
        below = sorted(children.get(category_no, ()), key=lambda no: numbers.category_names[no].encode(), reverse=True)
        stack.extend((child, (*names, numbers.category_names[child])) for child in below)
    return nodes


def branch_counts(numbers: Numbers, columns: Columns) -> NDArray[np.int64]:
    """Returns for each category_no how many items of the catalog have their main category there or below."""
    live = columns["category_no"][(columns["flags"] & IN_CATALOG) != 0]
    counts = np.bincount(live, minlength=len(numbers.category_names)).astype(np.int64)
    # A child's number is always above its parent's: one pass from the end sums whole branches.
    for category_no in range(len(counts) - 1, 0, -1):
        counts[numbers.category_parents[category_no]] += counts[category_no]
    return counts


def in_branch(numbers: Numbers, category_no: int) -> NDArray[np.bool_]:
    """Returns for each category_no whether it is the given one or lies below it."""
    inside = np.zeros(len(numbers.category_names), np.bool_)
    inside[category_no] = True
    for number in range(category_no + 1, len(inside)):
        inside[number] = inside[numbers.category_parents[number]]
    return inside
