"""Orders that selectors share."""

import numpy as np
from numpy.typing import NDArray

from services.homepage.pipeline.candidates import Candidates, Mask


def by_value(candidates: Candidates, mask: Mask) -> NDArray[np.intp]:
    """Returns the candidates of `mask` by value, best first; ties in the order of their sources."""
    chosen = np.flatnonzero(mask)
    return chosen[np.argsort(-candidates.values[chosen], kind="stable")]


def by_source(candidates: Candidates, source: str, available: Mask) -> NDArray[np.intp]:
    """Returns the available candidates of `source` in the source's own order."""
    proposed = candidates.sources.get(source)
    if proposed is None:
        return np.empty(0, np.intp)
    return proposed.indexes[available[proposed.indexes]].astype(np.intp)
