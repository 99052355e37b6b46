from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

TYPES: Final[Mapping[str, type[np.generic]]] = {
    "flags": np.uint8,
    "kind": np.uint8,
    "available_from_millis": np.int64,
    "available_until_millis": np.int64,
    "minimum_age": np.uint8,
    "group_no": np.uint32,
    "category_no": np.uint32,
    "brand_no": np.uint32,
    "price": np.float32,
}
"""Columns of the table `items` that are held in memory, by item_no."""


class Columns:
    """What decides whether and where items may stand, in memory, by item_no; element 0 and unknown numbers are zeros.

    Readers index it, the catalog writes committed rows through. Belongs to the event loop.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {name: np.zeros(1024, dtype) for name, dtype in TYPES.items()}

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def number(self, first: int, count: int) -> None:
        """Makes room for items that were given a number. Of what nothing is known, the row says the same."""
        if count:
            self._reserve(first + count - 1)
            self._arrays["group_no"][first : first + count] = np.arange(first, first + count)
            self._arrays["price"][first : first + count] = -1.0

    def put(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Takes over rows of the table; of one item the last one holds."""
        if not rows:
            return
        item_nos = np.array([row["item_no"] for row in rows], np.int64)
        self._reserve(int(item_nos.max()))
        for name, dtype in TYPES.items():
            self._arrays[name][item_nos] = np.array([row[name] for row in rows], dtype)

    def fill(self, item_nos: NDArray[np.int64], columns: Mapping[str, Sequence[Any]]) -> None:
        """Takes over whole columns of the table, as they are loaded."""
        if not len(item_nos):
            return
        self._reserve(int(item_nos.max()))
        for name, dtype in TYPES.items():
            self._arrays[name][item_nos] = np.array(columns[name], dtype)

    def places(self, item_nos: Sequence[int]) -> NDArray[np.int64]:
        """Returns where the items stand in the columns; 0, which is no item, for numbers that nobody has."""
        places = np.array(item_nos, np.int64)
        places[places >= len(self._arrays["flags"])] = 0
        return places

    def _reserve(self, item_no: int) -> None:
        size = len(self._arrays["flags"])
        if item_no >= size:
            missing = max(item_no + 1 - size, size)
            self._arrays = {
                name: np.concatenate([array, np.zeros(missing, array.dtype)]) for name, array in self._arrays.items()
            }
