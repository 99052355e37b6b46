from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from services.candidates.content.item_terms import Term


class Vocabulary:
    """Numbers the features as they come, for ever: a feature keeps its number while indexes come and go."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weight_of_field = weights
        self._numbers: dict[Term, int] = {}
        self._field_weights: list[float] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, term: Term) -> int:
        """Returns a feature's number; -1: no item ever had it."""
        return self._numbers.get(term, -1)

    def encode(self, terms: Iterable[Term]) -> NDArray[np.int32]:
        """Returns the features' numbers, ascending; new ones are given a number."""
        # A catalog of a million items is numbered at every start: in Python, so few are sorted sooner than by NumPy.
        known = self._numbers
        return np.array(sorted([known[term] if term in known else self._add(term) for term in terms]), np.int32)

    def _add(self, term: Term) -> int:
        number = self._numbers[term] = len(self._field_weights)
        self._field_weights.append(self._weight_of_field[term[0]])
        return number

    def field_weights(self) -> NDArray[np.float32]:
        """Returns the field's weight for each number."""
        return np.array(self._field_weights, np.float32)
