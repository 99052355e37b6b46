from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


def _no_numbers() -> NDArray[np.uint32]:
    return np.zeros(1, np.uint32)


@dataclass(frozen=True, slots=True)
class ItemColumns:
    """What the catalog says of items now, by number: where affinities come from.

    Element 0 of each column stands for none and is 0; numbers beyond a column's end are not known and count as none.
    """

    category_nos: NDArray[np.uint32] = field(default_factory=_no_numbers)
    """The deepest node of the main category, by item_no; shape (items + 1,)."""

    brand_nos: NDArray[np.uint32] = field(default_factory=_no_numbers)
    """The brand, by item_no; shape (items + 1,)."""

    parent_category_nos: NDArray[np.uint32] = field(default_factory=_no_numbers)
    """The node above, by category_no; shape (categories + 1,)."""


def take(column: NDArray[np.uint32], nos: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Returns `column[nos]`, 0 if the column does not reach."""
    return np.where(nos < len(column), column[np.minimum(nos, len(column) - 1)], np.uint32(0))
