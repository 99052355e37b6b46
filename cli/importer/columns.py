from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cli.importer.attribute_types import AttributeType
from cli.importer.category_columns import level_columns
from cli.importer.column_names import normal
from cli.importer.fields import Field, Kind, Values

ATTRIBUTE = "attributes."
OF_ATTRIBUTES = (Values.ATTRIBUTE, Values.CONTEXT)


@dataclass(slots=True)
class ColumnMap:
    """Which column of a file is what.

    Args:
        fields: the columns of each field; only a category has several.
        attributes: the column of each attribute (for events, of each context value).
        attribute_types: types of attributes that were named with one.
        unmapped: columns that are taken for nothing.
    """

    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    attribute_types: dict[str, AttributeType] = field(default_factory=dict)
    unmapped: tuple[str, ...] = ()

    def take(self, known: Field, columns: tuple[str, ...]) -> None:
        """Columns are this field's."""
        if known.values in OF_ATTRIBUTES:
            self.attributes[known.name] = columns[0]
        else:
            self.fields[known.name] = columns

    def free(self, columns: Iterable[str]) -> list[str]:
        """Those of the columns that are taken for nothing yet."""
        taken = {column for mapped in self.fields.values() for column in mapped} | set(self.attributes.values())
        return [column for column in columns if column not in taken]


def map_columns(
    kind: Kind,
    columns: Sequence[str],
    said: Mapping[str, tuple[str, ...]],
    attributes: Mapping[str, AttributeType],
) -> ColumnMap:
    """Finds the column of every field: the one that was said, else one of the field's name or of a synonym, without
    regard to case, spaces and underscores.

    Args:
        kind: what the rows are.
        columns: the file's columns.
        said: columns that were said, by field; "attributes.NAME" is an attribute.
        attributes: columns that were said to be attributes, with their types.
    """
    found = ColumnMap()
    for name, mapped in said.items():
        if name.startswith(ATTRIBUTE):
            found.attributes[name.removeprefix(ATTRIBUTE)] = mapped[0]
        else:
            found.take(kind.field(name), mapped)
    for column, of_type in attributes.items():
        if column in columns:
            name = _attribute_name(kind, column) or column
            found.attributes[name] = column
            found.attribute_types[name] = of_type
    for known in kind.fields:
        if known.name not in found.fields and known.name not in found.attributes:
            free = {normal(column): column for column in reversed(found.free(columns))}
            if mapped := _columns_of(known, free):
                found.take(known, mapped)
    for column in found.free(columns):
        if name := _attribute_name(kind, column):
            found.attributes.setdefault(name, column)
    found.unmapped = tuple(found.free(columns))
    return found


def _columns_of(known: Field, free: Mapping[str, str]) -> tuple[str, ...]:
    category = known.values is Values.CATEGORIES
    for name in known.synonyms if category else (known.name, *known.synonyms):
        if normal(name) in free:
            return (free[normal(name)],)
    return level_columns(free) if category else ()


def _attribute_name(kind: Kind, column: str) -> str:
    for prefix in kind.attribute_prefixes:
        if column.casefold().startswith(prefix):
            return column[len(prefix) :].strip()
    return ""
