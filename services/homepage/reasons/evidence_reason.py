import numpy as np

from services.homepage.history import History
from services.homepage.pipeline.candidates import Candidates
from services.homepage.query import Query
from services.homepage.reasons.finder import Found, ReasonFinder

# The weakest first: being taken up together says more than looking alike.
_SOURCES = ("embedding", "content", "similar_items", "item_cf")


class EvidenceReason(ReasonFinder):
    """An item of the visitor's history led to it; the kind says what the visitor did with that item."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        if not query.personal:
            return []
        history = History(query.user)
        found: list[Found] = []
        for source in _SOURCES:
            proposed = candidates.sources.get(source)
            if proposed is None:
                continue
            evidence = proposed.evidence_item_nos
            led = (evidence > 0) & (evidence != candidates.item_nos[proposed.indexes])
            kinds = history.reason_kinds(evidence[led])
            found.append(Found(proposed.indexes[led].astype(np.intp), kinds, evidence[led], source=source))
        return found
