from typing import ClassVar

import numpy as np

from services.candidates.lookup import contained
from services.candidates.proposals import Proposals, best
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs

# The index knows nothing of stock and filters: so many times the quota are looked at.
_OVERSAMPLING = 4
_OVERSAMPLING_FILTERED = 20


class Content:
    """Items that are like those of this visitor's history in words, categories, brand, attributes and price.

    score(j) = Σ_h weight(h) × similarity(h, j) / Σ_h weight(h), 0 to 1, over the few strongest items h of the history;
    the evidence is the h of the greatest term. A new item is found here first.
    """

    name: ClassVar[str] = "content"
    quota: ClassVar[int] = 80
    weight: ClassVar[float] = 0.6

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return ""

    def applies(self, query: Query) -> bool:
        return len(query.history.item_nos) > 0

    async def propose(self, query: Query, quota: int) -> Proposals:
        item_nos, weights = query.history.strongest(self._inputs.settings.history.content_items)
        oversampling = _OVERSAMPLING_FILTERED if query.eligibility.filtered else _OVERSAMPLING
        alike = self._inputs.content.alike(item_nos, weights, oversampling * quota)
        terms = alike.similarities * weights
        scores = terms.sum(axis=1) / max(float(weights.sum()), 1e-9)
        fit = (scores > 0) & query.eligibility.admits(alike.item_nos)
        fit &= ~contained(alike.item_nos, query.history.item_nos)
        if not fit.any():
            return best(alike.item_nos[fit], scores[fit], quota)
        return best(alike.item_nos[fit], scores[fit], quota, item_nos[np.argmax(terms[fit], axis=1)])
