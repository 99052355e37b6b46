import numpy as np

from services.homepage.pipeline.candidates import Candidates
from services.homepage.query import Query
from services.homepage.reasons.finder import Found, ReasonFinder
from vitrine.homepage.v1 import reason_pb2

# The weakest first: that something is reduced says more than that many take it up.
_SOURCES = (
    ("popular", reason_pb2.REASON_KIND_POPULAR),
    ("trending", reason_pb2.REASON_KIND_TRENDING),
    ("new_arrivals", reason_pb2.REASON_KIND_NEW),
    ("on_sale", reason_pb2.REASON_KIND_ON_SALE),
)


class SourceReason(ReasonFinder):
    """What the source itself says: popular, rising, new, reduced."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        return [Found(np.flatnonzero(candidates.proposed_by(source)), kind, source=source) for source, kind in _SOURCES]
