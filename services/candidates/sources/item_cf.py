from typing import ClassVar

import numpy as np

from services.candidates.lookup import contained
from services.candidates.proposals import Proposals, best, nothing
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs


class ItemCf:
    """Items that users take together with those of this visitor's history.

    score(j) = Σ_h weight(h) × similarity(h, j) over the strongest items h of the history; the evidence is the h of the
    greatest term. What the visitor already dealt with is left to buy_again and recently_viewed.
    """

    name: ClassVar[str] = "item_cf"
    quota: ClassVar[int] = 120
    weight: ClassVar[float] = 1.0

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return "" if self._inputs.neighbors.value is not None else "no neighbours are loaded; run the training"

    def applies(self, query: Query) -> bool:
        return len(query.history.item_nos) > 0

    async def propose(self, query: Query, quota: int) -> Proposals:
        neighbors = self._inputs.neighbors.value
        if neighbors is None:
            return nothing()
        item_nos, weights = query.history.strongest(self._inputs.settings.history.item_cf_items)
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
