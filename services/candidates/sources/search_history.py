import asyncio
from typing import ClassVar, Final

import numpy as np

from services.candidates.content.item_terms import tokens
from services.candidates.proposals import Proposals, best, nothing
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.common.sorted_lookup import grouped

_SEARCHES: Final = 3


class SearchHistory:
    """Items that fit the words of the visitor's last searches.

    score(j) = Σ_s ½^s × relevance of j / greatest relevance, over the last searches s = 0 (the newest), 1, 2. What the
    visitor already dealt with is left to other sources.
    """

    name: ClassVar[str] = "search_history"
    quota: ClassVar[int] = 60
    weight: ClassVar[float] = 0.8

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return self._inputs.content.unready()

    def applies(self, query: Query) -> bool:
        return any(tokens(text) for text in query.user.search_texts)

    async def propose(self, query: Query, quota: int) -> Proposals:
        texts = [text for text in query.user.search_texts if tokens(text)][:_SEARCHES]
        eligibility = query.eligibility.without(query.history.item_nos)
        found = await asyncio.gather(*(self._inputs.content.match(text, eligibility, quota) for text in texts))
        parts = [(matches, 0.5**age) for age, matches in enumerate(found) if len(matches.item_nos)]
        if not parts:
            return nothing()
        item_nos, order, starts = grouped(np.concatenate([matches.item_nos for matches, _ in parts]))
        terms = np.concatenate([part * matches.relevance / matches.relevance.max() for matches, part in parts])
        return best(item_nos, np.add.reduceat(terms[order], starts), quota)
