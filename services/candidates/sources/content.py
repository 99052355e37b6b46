from typing import ClassVar, Final

import numpy as np

from services.candidates.proposals import Proposals, best, nothing
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs

# The index finds by the rare features and leaves the rest to be weighed: so many times the quota are weighed.
_WEIGHED: Final = 3


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
        return self._inputs.content.unready()

    def applies(self, query: Query) -> bool:
        return len(query.history.item_nos) > 0

    async def propose(self, query: Query, quota: int) -> Proposals:
        item_nos, weights = query.history.strongest(self._inputs.settings.history.content_items)
        alike = await self._inputs.content.similar(
            item_nos, weights, _WEIGHED * quota, query.eligibility.without(query.history.item_nos)
        )
        terms = alike.similarities * weights
        scores = terms.sum(axis=1) / max(float(weights.sum()), 1e-9)
        if not len(scores):
            return nothing()
        return best(alike.item_nos, scores, quota, item_nos[np.argmax(terms, axis=1)])
