from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.candidates.content.segment import Segment


@dataclass(frozen=True, slots=True)
class Merge:
    """Everything that one large segment is to be made from; nothing else writes to it, so another thread may run it."""

    base: Segment
    retired: NDArray[np.bool_]
    changed: dict[int, NDArray[np.int32]]
    field_weights: NDArray[np.float32]

    def run(self) -> tuple[Segment, NDArray[np.float32]]:
        """Returns the segment and the features' weights, field weight × ln(1 + items / items with the feature)."""
        kept = np.flatnonzero(~self.retired)
        rows = {int(self.base.item_nos[row]): self.base.row(int(row)) for row in kept} | self.changed
        features = list(rows.values())
        together = np.concatenate(features) if features else np.zeros(0, np.int32)
        counts = np.bincount(together, minlength=len(self.field_weights))
        weights = (self.field_weights * np.log1p(len(rows) / np.maximum(counts, 1))).astype(np.float32)
        return Segment(np.fromiter(rows, np.uint32, len(rows)), features, weights), weights
