"""The shelves of a page before their cards are looked up."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.homepage.layouts.layout import ShelfDefinition
from services.homepage.pipeline.stages import Draft
from vitrine.homepage.v1 import page_pb2


@dataclass(slots=True)
class ComposedShelf:
    """A shelf with its candidates: `cards` for the first screen, `spare` for scrolling."""

    shelf_id: str
    definition: ShelfDefinition
    draft: Draft
    cards: NDArray[np.intp]
    spare: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    expected_value: float = 0.0


@dataclass(frozen=True, slots=True)
class DroppedShelf:
    """A shelf that was planned but left out."""

    kind: page_pb2.ShelfKind.ValueType
    reason: str


@dataclass(frozen=True, slots=True)
class Composition:
    """The shelves in the order of the page, disjoint in their candidates, and those that were left out."""

    shelves: list[ComposedShelf]
    dropped: list[DroppedShelf]
