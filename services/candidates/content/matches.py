from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Matches:
    """Items that fit some words, the best first; `relevance` is comparable in one answer only, and above 0
    where there are words.
    """

    item_nos: NDArray[np.uint32]
    relevance: NDArray[np.float32]

    @classmethod
    def nothing(cls) -> "Matches":
        """Returns no items."""
        return cls(np.zeros(0, np.uint32), np.zeros(0, np.float32))

    @classmethod
    def best(cls, item_nos: NDArray[np.integer], relevance: NDArray[np.floating], count: int) -> "Matches":
        """Returns the `count` most relevant; equal ones by item_no."""
        order = np.lexsort((item_nos, -relevance))[:count]
        return cls(item_nos[order].astype(np.uint32), relevance[order].astype(np.float32))
