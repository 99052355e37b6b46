import numpy as np

from services.homepage.pipeline.candidates import Candidates
from services.homepage.query import Query
from services.homepage.reasons.finder import Found, ReasonFinder
from vitrine.homepage.v1 import reason_pb2


class LookedAtReason(ReasonFinder):
    """The visitor looked at this item itself."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        if not query.personal:
            return []
        rows = np.flatnonzero(candidates.proposed_by("recently_viewed"))
        return [Found(rows, reason_pb2.REASON_KIND_YOU_VIEWED_THIS, source="recently_viewed")]
