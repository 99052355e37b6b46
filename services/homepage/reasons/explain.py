"""Says of every candidate why it is there."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from services.homepage.pipeline.candidates import Candidates
from services.homepage.query import Query
from services.homepage.reasons.brand_reason import BrandReason
from services.homepage.reasons.buy_regularly_reason import BuyRegularlyReason
from services.homepage.reasons.category_reason import CategoryReason
from services.homepage.reasons.columns import ReasonColumns, empty_reasons
from services.homepage.reasons.evidence_reason import EvidenceReason
from services.homepage.reasons.finder import ReasonFinder
from services.homepage.reasons.looked_at_reason import LookedAtReason
from services.homepage.reasons.source_reason import SourceReason
from services.homepage.reasons.taste_reason import TasteReason
from vitrine.homepage.v1 import reason_pb2

# The weakest first.
FINDERS: Final[Sequence[ReasonFinder]] = (
    SourceReason(),
    TasteReason(),
    BrandReason(),
    CategoryReason(),
    EvidenceReason(),
    LookedAtReason(),
    BuyRegularlyReason(),
)


def explain(query: Query, candidates: Candidates, finders: Sequence[ReasonFinder] = FINDERS) -> ReasonColumns:
    """Returns the two strongest reasons of each candidate; there is always one."""
    reasons = empty_reasons(len(candidates), tuple(candidates.sources))
    known = query.personal and query.user.known
    everywhere = reason_pb2.REASON_KIND_YOUR_TASTE if known else reason_pb2.REASON_KIND_POPULAR
    for finder in finders:
        for found in finder.find(query, candidates):
            if len(found.rows):
                reasons.put_first(found.rows, found.kinds, found.evidence_item_nos, found.times, found.source)
    without = np.flatnonzero(reasons.strongest["kind"] == 0)
    reasons.put_first(without, everywhere, 0, 0, "")
    return reasons
