"""Numbers of categories, brands, variant groups and attributes: handed out once, never reused."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select

from services.features.store.tables import BRANDS, CATEGORIES, ITEM_ATTRIBUTES, ITEM_GROUPS

GROUP_BASE = 1 << 31
"""Groups are numbered from here on; an item without a group stands for its own under its item_no, which is below."""


@dataclass(frozen=True, slots=True)
class NumberCounts:
    """How many of each have a number. Numbers run on without a gap, so that this also says which ones."""

    categories: int = 0
    brands: int = 0
    groups: int = 0
    attributes: int = 0


@dataclass(frozen=True, slots=True)
class GivenNumbers:
    """Numbers that were handed out, each list in the order of its numbers."""

    categories: list[tuple[int, int, str]] = field(default_factory=list)
    """category_no, number of the node above (0: a root), name."""

    brands: list[tuple[int, str]] = field(default_factory=list)
    groups: list[tuple[int, str]] = field(default_factory=list)
    attributes: list[tuple[int, str, str]] = field(default_factory=list)
    """Number, name, and the field of AttributeValue that its values are in."""

    def save(self, connection: Connection) -> None:
        """Writes them."""
        for table, rows in (
            (CATEGORIES, self.categories),
            (BRANDS, self.brands),
            (ITEM_GROUPS, self.groups),
            (ITEM_ATTRIBUTES, self.attributes),
        ):
            names = [column.name for column in table.columns]
            if rows:
                connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])


def read_given(connection: Connection, known: NumberCounts) -> GivenNumbers:
    """Returns what was handed out beyond what is known."""
    read = []
    for table, last in (
        (CATEGORIES, known.categories),
        (BRANDS, known.brands),
        (ITEM_GROUPS, GROUP_BASE + known.groups - 1),
        (ITEM_ATTRIBUTES, known.attributes),
    ):
        number = table.columns[0]
        rows = connection.execute(select(table).where(number > last).order_by(number))
        read.append([tuple(row) for row in rows])
    return GivenNumbers(*read)


class Numbers:
    """The numbers that this process knows of: committed ones. Belongs to the event loop."""

    def __init__(self) -> None:
        self.categories: dict[tuple[int, str], int] = {}
        self.category_names: list[str] = [""]
        self.category_parents: list[int] = [0]
        self.parents: NDArray[np.uint32] = np.zeros(1, np.uint32)
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
    """Numbers as they will be when the transaction at hand commits. It holds the lock under which they are given."""

    def __init__(self, numbers: Numbers, missed: GivenNumbers) -> None:
        """`missed` has what other processes handed out and `numbers` does not know yet."""
        self._numbers = numbers
        self._categories = {(parent, name): no for no, parent, name in missed.categories}
        self._brands = {brand: no for no, brand in missed.brands}
        self._groups = {group: no for no, group in missed.groups}
        self._attribute_types = {name: kind for _, name, kind in missed.attributes}
        self.new = GivenNumbers()

    def category_no(self, names: Iterable[str]) -> int:
        """Returns the number of the deepest node of a path; nodes that are new get numbers."""
        known, parent = self._numbers, 0
        for name in names:
            key = parent, name
            number = known.categories.get(key) or self._categories.get(key)
            if number is None:
                number = self._categories[key] = len(known.category_names) + len(self._categories)
                self.new.categories.append((number, parent, name))
            parent = number
        return parent

    def brand_no(self, brand: str) -> int:
        """Returns the brand's number; 0 for none."""
        return _number(brand, self._numbers.brands, self._brands, 1, self.new.brands) if brand else 0

    def group_no(self, group_id: str, item_no: int) -> int:
        """Returns the variant group's number; an item without one stands for itself."""
        if not group_id:
            return item_no
        return _number(group_id, self._numbers.groups, self._groups, GROUP_BASE, self.new.groups)

    def attribute_type(self, name: str) -> str | None:
        """Returns the type of an attribute, as its first value declared it; None: it has no value yet."""
        return self._numbers.attribute_types.get(name) or self._attribute_types.get(name)

    def declare_attribute(self, name: str, kind: str) -> None:
        """Says of what type an attribute is that has none."""
        self._attribute_types[name] = kind
        self.new.attributes.append((len(self._numbers.attribute_types) + len(self._attribute_types), name, kind))


def _number(key: str, known: Mapping[str, int], new: dict[str, int], base: int, given: list[tuple[int, str]]) -> int:
    number = known.get(key) or new.get(key)
    if number is None:
        number = new[key] = base + len(known) + len(new)
        given.append((number, key))
    return number
