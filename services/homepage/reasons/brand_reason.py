import numpy as np

from services.homepage.clients.columns import column
from services.homepage.pipeline.candidates import Candidates
from services.homepage.query import Query
from services.homepage.reasons.finder import Found, ReasonFinder
from vitrine.homepage.v1 import reason_pb2

_BRANDS = 3


class BrandReason(ReasonFinder):
    """It is of one of the visitor's three most chosen brands."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        if not query.personal:
            return []
        brands = column(query.user.brand_affinities.nos[:_BRANDS], np.uint32)
        rows = np.flatnonzero(np.isin(candidates.item_states.brand_nos, brands[brands > 0]))
        return [Found(rows, reason_pb2.REASON_KIND_YOUR_BRAND)]
