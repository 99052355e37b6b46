"""The shop's category tree, as arrays over category numbers."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.homepage.pipeline.candidates import Numbers
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.features.v1 import catalog_service_pb2

# Shelves and navigation name categories at this depth (the root is 1) or, in a flatter tree, the deepest above it:
# "Groceries" says nothing about a visitor, "Shredded cheese, 200 g" is too narrow for a shelf.
SHELF_DEPTH = 2


@dataclass(frozen=True, slots=True)
class CategoryTree:
    """The tree, loaded once for many pages.

    Attributes:
        categories: by category number.
        shelf_nos: shape (highest number + 2,); each category's ancestor at `SHELF_DEPTH`; the last one is 0.
        navigation_nos: the categories for shelves and navigation, without empty ones.
    """

    categories: dict[int, catalog_service_pb2.Category] = field(default_factory=dict)
    shelf_nos: Numbers = field(default_factory=lambda: np.zeros(1, np.uint32))
    navigation_nos: tuple[int, ...] = ()

    @property
    def item_count(self) -> int:
        """Items in all categories."""
        return sum(category.item_count for category in self.categories.values() if not category.parent_category_no)

    def path(self, category_no: int) -> CategoryPath | None:
        """Returns the path of a category; None if it's unknown."""
        category = self.categories.get(category_no)
        return None if category is None else category.path

    def shelf_categories(self, category_nos: Numbers) -> Numbers:
        """Returns the shelf category of each category number, shape (n,); 0 if there is none."""
        shelf_nos: Numbers = self.shelf_nos[np.minimum(category_nos, len(self.shelf_nos) - 1)]
        return shelf_nos


def build_category_tree(categories: Iterable[catalog_service_pb2.Category]) -> CategoryTree:
    """Returns the tree of all nodes, in any order; a node without its parent is its own shelf category."""
    by_no = {category.category_no: category for category in categories}
    by_path = {tuple(category.path.names): number for number, category in by_no.items()}
    shelf_nos: NDArray[np.uint32] = np.zeros(max(by_no, default=0) + 2, np.uint32)
    for number, category in by_no.items():
        shelf_nos[number] = by_path.get(tuple(category.path.names[:SHELF_DEPTH]), number)
    parents = {category.parent_category_no for category in by_no.values()}
    named = (
        number
        for number, category in sorted(by_no.items())
        if category.item_count
        and (
            len(category.path.names) == SHELF_DEPTH
            or (len(category.path.names) < SHELF_DEPTH and number not in parents)
        )
    )
    return CategoryTree(by_no, shelf_nos, tuple(named))
