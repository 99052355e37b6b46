import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.proposals import Proposals, best, nothing
from services.candidates.query import Query
from services.common.sorted_lookup import contained, grouped


def neighbor_aggregation(
    neighbors: Neighbors,
    item_nos: NDArray[np.uint32],
    weights: NDArray[np.float64],
    query: Query,
    quota: int,
    *,
    minimum_users: int,
) -> Proposals:
    """Proposes what goes with the weighted items `item_nos`, the weightiest first among them.

    score(j) = Σ_h weight(h) × similarity(h, j); the evidence is the h of the greatest term that `minimum_users` users
    stand behind, as it is shown to the visitor. What the visitor already dealt with is left to buy_again and
    recently_viewed.
    """
    owners, positions = neighbors.positions_of(item_nos)
    if not len(positions):
        return nothing()
    found, order, starts = grouped(neighbors.neighbors[positions])
    owners, positions = owners[order], positions[order]
    terms = weights[owners] * neighbors.similarities[positions]
    scores = np.add.reduceat(terms, starts)
    # Equal terms stand in the order of the history: the strongest item's comes first.
    shown = np.where(neighbors.supports[positions] >= minimum_users, terms, 0.0)
    greatest = np.maximum.reduceat(shown, starts)
    places = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(terms))))
    leading = np.flatnonzero((shown == greatest[places]) & (shown > 0))[::-1]
    evidence = np.zeros(len(found), np.uint32)
    evidence[places[leading]] = item_nos[owners[leading]]
    fit = query.eligibility.admits(found) & ~contained(found, query.history.item_nos)
    return best(found[fit], scores[fit], quota, evidence[fit])
