"""Numbers of categories, brands, variant groups and attributes: handed out once, never reused."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.features.catalog.given_numbers import GivenNumbers, NumberCounts


class Numbers:
    """The numbers that this process knows of: committed ones. Belongs to the event loop."""

    def __init__(self) -> None:
        self.categories: dict[tuple[int, str], int] = {}
        self.category_names: list[str] = [""]
        self.category_parents: list[int] = [0]
        self.parents: NDArray[np.uint32] = np.zeros(1, np.uint32)
        self.roots: NDArray[np.uint32] = np.zeros(1, np.uint32)
        self.brands: dict[str, int] = {}
        self.groups: dict[str, int] = {}
        self.attribute_types: dict[str, str] = {}

    @property
    def counts(self) -> NumberCounts:
        """How many are known: with `read_given`, what is not."""
        return NumberCounts(len(self.categories), len(self.brands), len(self.groups), len(self.attribute_types))

    def add(self, given: GivenNumbers) -> None:
        """Takes in the numbers that follow those known."""
        self.brands.update((brand, no) for no, brand in given.brands)
        self.groups.update((group, no) for no, group in given.groups)
        self.attribute_types.update((name, kind) for _, name, kind in given.attributes)
        if given.categories:
            self._add_categories(given.categories)

    def _add_categories(self, rows: Iterable[tuple[int, int, str]]) -> None:
        for category_no, parent_no, name in rows:
            self.categories[parent_no, name] = category_no
            self.category_names.append(name)
            self.category_parents.append(parent_no)
        self.parents = np.array(self.category_parents, np.uint32)
        roots = self.parents.copy()
        roots[roots == 0] = np.flatnonzero(roots == 0)
        while not np.array_equal(roots, roots[roots]):
            roots = roots[roots]
        self.roots = roots

    def path_nos(self, category_no: int) -> list[int]:
        """Returns the numbers from the root down to the category; empty for 0."""
        nos = []
        while category_no:
            nos.append(category_no)
            category_no = self.category_parents[category_no]
        return nos[::-1]

    def find_category(self, names: Sequence[str]) -> int | None:
        """Returns the number of the category at a path; None: there is none."""
        category_no: int | None = 0
        for name in names:
            category_no = self.categories.get((category_no or 0, name))
            if category_no is None:
                return None
        return category_no
