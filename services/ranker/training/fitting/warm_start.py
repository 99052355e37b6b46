"""The initial weights of a fit: those of the version that serves, or random ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.model.embeddings import UNSEEN
from services.ranker.model.extra_assets import SavedWeights, contract_of, read_weights

_ANEW: Final = ("/learned", "/priors", "/slopes", "/shifts", "/rows", "/seed_generator_state")
"""Variables set from data and vocabulary, not learned."""

_ROWS: Final = "rows"
_VECTORS: Final = "vectors"
_LEARNED: Final = "behavior/learned"
_LOGITS_BIAS: Final = "head/logits/bias"


class Start(Protocol):
    """Sets the initial weights of a model that was just built."""

    def begin(self, model: BehaviorModel) -> bool:
        """Sets the weights; returns true if they're trained ones, so that less is left to learn."""


class ColdStart:
    """Starts from random weights."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def begin(self, model: BehaviorModel) -> bool:
        """Leaves the weights as initialized."""
        return False


class WarmStart:
    """Starts with the weights of a version. New items, categories, and brands start with the vector of unseen ones: an
    item as its content.
    """

    def __init__(self, version: Path, items: ItemColumns) -> None:
        self.reason = ""
        """Why the version's weights weren't used, set by `begin`; empty if they were."""

        self._version = version
        self._items = items

    def begin(self, model: BehaviorModel) -> bool:
        """Sets the weights by name; if any doesn't fit, the model stays as it is."""
        try:
            weights = read_weights(self._version)
            self._require_same(weights, model)
            values = dict(_values(model, weights))
        except (OSError, ValueError) as error:
            self.reason = f"version {self._version.name}: {error}"
            return False
        for variable in model.variables:
            if variable.path in values:
                variable.assign(values[variable.path])
        return True

    def _require_same(self, weights: SavedWeights, model: BehaviorModel) -> None:
        contract = contract_of(model)
        differing = [name for name in contract if weights.contract.get(name) != contract[name]]
        if differing:
            raise ValueError(f"it has other {' and '.join(differing)}")
        item_nos = np.array(list(weights.marks), np.int64)
        marks = np.array(list(weights.marks.values()), np.int64)
        rows = self._items.rows(item_nos)
        if bool((self._items.known[rows] & (self._items.id_marks[rows] != marks)).any()):
            raise ValueError("it speaks of another catalog")


def _values(model: BehaviorModel, weights: SavedWeights) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yields the values of the variables to set. Raises ValueError if one is missing or of another shape."""
    named = {variable.path: variable for variable in model.variables}
    for name, variable in named.items():
        if name.endswith(_ANEW):
            continue
        if name not in weights.arrays:
            raise ValueError(f"it has no {name}")
        value = weights.arrays[name]
        folder, _, last = name.rpartition("/")
        if last == _VECTORS and (rows := f"{folder}/{_ROWS}") in named:
            value = _grown(value, weights.arrays[rows], named[rows].numpy())
        if name == _LOGITS_BIAS:
            # An action that occurs for the first time starts at its mean odds, which the model has already.
            value = np.where(weights.arrays[_LEARNED] > 0, value, variable.numpy())
        if value.shape != tuple(variable.shape) or not np.isfinite(value).all():
            raise ValueError(f"its {name} cannot be taken over")
        yield name, value


def _grown(vectors: NDArray[Any], rows: NDArray[Any], new_rows: NDArray[Any]) -> NDArray[Any]:
    """Returns the vectors by the new rows: each number's own or, for new numbers, that of unseen ones."""
    numbers = np.flatnonzero(new_rows > UNSEEN)
    numbers = numbers[np.argsort(new_rows[numbers])]
    return np.concatenate([vectors[: UNSEEN + 1], vectors[rows[np.minimum(numbers, len(rows) - 1)]]])
