"""Counts of found items by one property."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.catalog.item_columns import ItemColumns
from services.candidates.catalog.term_column import TermColumn
from vitrine.common.v1.item_filter_pb2 import ItemFilter

ATTRIBUTE: Final = "attribute:"
PROPERTIES: Final = ("category", "brand", "kind", "creator")
MOST_VALUES: Final = 100
FacetCount = tuple[Hashable, int]


def count_facet(
    name: str, item_nos: NDArray[np.uint32], item_filter: ItemFilter, columns: ItemColumns
) -> Sequence[FacetCount]:
    """Returns the values that most of the items have, with their counts, the greatest first."""
    column = _column(name, columns)
    if column is None:
        return []
    counted = [(term, count) for term, count in column.counted(item_nos) if _shown(name, term, item_filter)]
    return sorted(counted, key=lambda pair: (-pair[1], str(pair[0])))[:MOST_VALUES]


def _column(name: str, columns: ItemColumns) -> TermColumn[Any] | None:
    if name.startswith(ATTRIBUTE):
        return columns.attributes.get(name.removeprefix(ATTRIBUTE))
    known: dict[str, TermColumn[Any]] = {
        "category": columns.categories,
        "brand": columns.brands,
        "kind": columns.kinds,
        "creator": columns.creators,
    }
    return known[name]


def _shown(name: str, term: Any, item_filter: ItemFilter) -> bool:
    """Of categories the next level below the filter's; of an attribute's lists each text, not the list."""
    if name == "category":
        parents = [tuple(path.names) for path in item_filter.categories] or [()]
        return any(len(term) == len(parent) + 1 and term[: len(parent)] == parent for parent in parents)
    return not (name.startswith(ATTRIBUTE) and term[0] == "texts")


_FIELDS: Final = {"brand": "brands", "kind": "kinds", "creator": "creators"}


def without_own_facet(facet: str, item_filter: ItemFilter) -> ItemFilter | None:
    """Returns the filter without what was chosen of the facet itself; None: nothing was.

    Whoever chose one brand wants to see how many items the others have, to add one. A category's values are the next
    level below the chosen one: there the choice stays.
    """
    rest = ItemFilter()
    rest.CopyFrom(item_filter)
    if facet in _FIELDS:
        rest.ClearField(_FIELDS[facet])  # type: ignore[arg-type]  # one of three
    elif facet.startswith(ATTRIBUTE):
        others = [one for one in item_filter.attributes if one.name != facet.removeprefix(ATTRIBUTE)]
        rest.ClearField("attributes")
        rest.attributes.extend(others)
    return None if rest == item_filter else rest
