from dataclasses import dataclass, field

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
