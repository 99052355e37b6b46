import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.lookup import contained
from services.candidates.proposals import Proposals, best
from services.candidates.query import Query


def along(
    neighbors: Neighbors, item_nos: NDArray[np.uint32], weights: NDArray[np.float64], query: Query, quota: int
) -> Proposals:
    """Proposes what goes with the weighted items `item_nos`, the weightiest first among them.

    score(j) = Σ_h weight(h) × similarity(h, j); the evidence is the h of the greatest term. What the visitor already
    dealt with is left to buy_again and recently_viewed.
    """
    owners, found, similarities = neighbors.of(item_nos)
    terms = weights[owners] * similarities
    distinct, places = np.unique(found, return_inverse=True)
    scores = np.zeros(len(distinct))
    np.add.at(scores, places, terms)
    greatest = np.zeros(len(distinct))
    np.maximum.at(greatest, places, terms)
    # Of equal terms the one written last stays: that of the strongest item.
    leading = np.flatnonzero(terms == greatest[places])[::-1]
    evidence = np.zeros(len(distinct), np.uint32)
    evidence[places[leading]] = item_nos[owners[leading]]
    fit = query.eligibility.admits(distinct) & ~contained(distinct, query.history.item_nos)
    return best(distinct[fit], scores[fit], quota, evidence[fit])
