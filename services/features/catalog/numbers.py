"""Numbers of categories, brands and variant groups: handed out once, never reused."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select

from services.features.store.tables import BRANDS, CATEGORIES, ITEM_GROUPS

GROUP_BASE: Final = 1 << 31
"""Groups are numbered from here on; an item without a group stands for its own under its item_no, which is below."""


class Numbers:
    """The numbers that are committed. Belongs to the event loop; a writing transaction works on a NumberDraft of it."""

    def __init__(self) -> None:
        self.categories: dict[tuple[int, str], int] = {}
        self.category_names: list[str] = [""]
        self.category_parents: list[int] = [0]
        self.parents: NDArray[np.uint32] = np.zeros(1, np.uint32)
        self.roots: NDArray[np.uint32] = np.zeros(1, np.uint32)
        self.brands: dict[str, int] = {}
        self.groups: dict[str, int] = {}

    def load(self, connection: Connection) -> None:
        """Reads all numbers."""
        categories = connection.execute(select(CATEGORIES).order_by(CATEGORIES.c.category_no)).all()
        self.add_categories((row.category_no, row.parent_no, row.name) for row in categories)
        self.brands = {brand: no for no, brand in connection.execute(select(BRANDS.c.brand_no, BRANDS.c.brand))}
        self.groups = {
            group: no for no, group in connection.execute(select(ITEM_GROUPS.c.group_no, ITEM_GROUPS.c.group_id))
        }

    def add_categories(self, rows: Iterable[tuple[int, int, str]]) -> None:
        """Adds (category_no, parent_no, name) in the order of their numbers."""
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


class NumberDraft:
    """Numbers as they will be when the transaction at hand commits."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._categories: dict[tuple[int, str], int] = {}
        self._brands: dict[str, int] = {}
        self._groups: dict[str, int] = {}

    def category_no(self, names: Iterable[str]) -> int:
        """Returns the number of the deepest node of a path; nodes that are new get numbers."""
        known, parent = self._numbers, 0
        for name in names:
            key = parent, name
            number = known.categories.get(key) or self._categories.get(key)
            if number is None:
                number = self._categories[key] = len(known.category_names) + len(self._categories)
            parent = number
        return parent

    def brand_no(self, brand: str) -> int:
        """Returns the brand's number; 0 for none."""
        return _number(brand, self._numbers.brands, self._brands, 1) if brand else 0

    def group_no(self, group_id: str, item_no: int) -> int:
        """Returns the variant group's number; an item without one stands for itself."""
        return _number(group_id, self._numbers.groups, self._groups, GROUP_BASE) if group_id else item_no

    def save(self, connection: Connection) -> None:
        """Writes what is new."""
        categories = [
            {"category_no": no, "parent_no": parent, "name": name} for (parent, name), no in self._categories.items()
        ]
        brands = [{"brand_no": no, "brand": brand} for brand, no in self._brands.items()]
        groups = [{"group_no": no, "group_id": group} for group, no in self._groups.items()]
        for table, rows in ((CATEGORIES, categories), (BRANDS, brands), (ITEM_GROUPS, groups)):
            _insert(connection, table, rows)

    def publish(self) -> None:
        """Makes what is new known, after the commit."""
        self._numbers.add_categories((no, parent, name) for (parent, name), no in self._categories.items())
        self._numbers.brands.update(self._brands)
        self._numbers.groups.update(self._groups)


def _number(key: str, known: Mapping[str, int], new: dict[str, int], base: int) -> int:
    number = known.get(key) or new.get(key)
    if number is None:
        number = new[key] = base + len(known) + len(new)
    return number


def _insert(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)
