import numpy as np

from services.homepage.pipeline.candidates import Candidates
from services.homepage.query import Query
from services.homepage.reasons.finder import Found, ReasonFinder
from vitrine.homepage.v1 import reason_pb2


class TasteReason(ReasonFinder):
    """It fits what the visitor did as a whole: the behavior model's own proposals."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        if not query.personal:
            return []
        rows = np.flatnonzero(candidates.proposed_by("embedding"))
        return [Found(rows, reason_pb2.REASON_KIND_YOUR_TASTE, source="embedding")]
