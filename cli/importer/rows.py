from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a file as fields of the contract, in columns.

    Args:
        lines: where each row begins in its file.
        fields: Python values by field, None where a row has none.
        attributes: the same by attribute (for events, by context value).
        left_out: rows, by their place, that do not go on.
    """

    lines: Sequence[int]
    fields: dict[str, list[Any]]
    attributes: dict[str, list[Any]]
    left_out: set[int]

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> list[Any]:
        """The values of a field; None for every row where the file does not have it."""
        return self.fields.get(name) or [None] * len(self.lines)

    def together(self, *names: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """The values of several fields, row by row, with the row's place; without those that are left out."""
        columns = [self.column(name) for name in names]
        for row, values in enumerate(zip(*columns, strict=True)):
            if row not in self.left_out:
                yield row, values

    def attributes_of(self, row: int) -> dict[str, Any]:
        """The attributes that a row has."""
        return {name: values[row] for name, values in self.attributes.items() if values[row] is not None}
