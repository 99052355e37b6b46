from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np


class Statistics:
    """Medians and modes of columns, from all of their values.

    Args:
        medians: fields whose median is wanted.
        modes: fields whose most common value is wanted.
    """

    def __init__(self, medians: Iterable[str], modes: Iterable[str]) -> None:
        self._numbers: dict[str, list[float]] = {name: [] for name in medians}
        self._counts: dict[str, Counter[Any]] = {name: Counter() for name in modes}

    def take(self, values: Mapping[str, Sequence[Any]]) -> None:
        """Adds values of a chunk, by field."""
        for name, numbers in self._numbers.items():
            numbers += [value for value in values.get(name, ()) if value is not None]
        for name, counts in self._counts.items():
            counts.update(_hashable(value) for value in values.get(name, ()) if value is not None)

    def fills(self) -> dict[str, Any]:
        """What missing values become. A field without any value has no entry."""
        medians = {name: float(np.median(numbers)) for name, numbers in self._numbers.items() if numbers}
        # Of equally common ones the first in the file, so that importing again fills the same.
        modes = {name: counts.most_common(1)[0][0] for name, counts in self._counts.items() if counts}
        return {**medians, **modes}


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
