from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TermRanking:
    """A ranking of items cut into those of each value of a `TermColumn`: code c has `starts`[c] to `starts`[c + 1].

    A value's code may be given to another value later: who reads compares with the column.
    """

    item_nos: NDArray[np.uint32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, ranking: NDArray[np.uint32], codes: NDArray[np.uint32]) -> "TermRanking":
        """Cuts a ranking; `codes` has the code of each of its items, 0 for no value."""
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(int(codes.max(initial=0)) + 2))
        return cls(ranking[order], starts.astype(np.int64))

    def of_code(self, code: int) -> NDArray[np.uint32]:
        """Returns the items of a code, in the ranking's order."""
        if code + 1 >= len(self.starts):
            return self.item_nos[:0]
        return self.item_nos[self.starts[code] : self.starts[code + 1]]
