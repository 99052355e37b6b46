from collections.abc import Sequence

import numpy as np
import pandas as pd


class SeenIds:
    """Remembers which ids came before, in 8 bytes each however long they are: as sorted runs of 64-bit hashes, each
    run longer than the next. Two ids may share a hash, so "seen" is only nearly sure; "not seen" is.
    """

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def seen(self, ids: Sequence[str]) -> np.ndarray:
        """Whether each id came in a call before this one, bool[len(ids)]; from now on they all have."""
        hashes = pd.util.hash_array(np.array(ids, dtype=object), categorize=False) if ids else np.empty(0, np.uint64)
        found = np.zeros(len(ids), dtype=bool)
        for run in self._runs:
            places = np.searchsorted(run, hashes)
            places[places == len(run)] = 0
            found |= run[places] == hashes
        if ids:
            self._runs.append(np.sort(hashes))
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))
        return found
