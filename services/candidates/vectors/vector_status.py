from collections.abc import Mapping
from dataclasses import dataclass

from services.common.direction import VectorFault


@dataclass(frozen=True, slots=True)
class VectorStatus:
    """The vectors of one name in the content index: how many items are compared by them, and why others are not."""

    name: str
    dimensions: int
    weight: float
    item_count: int
    left_out: Mapping[VectorFault, int]
