from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Alike:
    """Items alike to some of a history: similarities float32[items, history], 0 to 1."""

    item_nos: NDArray[np.uint32]
    similarities: NDArray[np.float32]

    @classmethod
    def nothing(cls, history: int) -> "Alike":
        """Returns no items, for a history of so many."""
        return cls(np.zeros(0, np.uint32), np.zeros((0, history), np.float32))
