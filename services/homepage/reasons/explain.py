"""Gives every candidate its reasons."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from services.homepage.pipeline.candidates import Candidates
from services.homepage.query import Query
from services.homepage.reasons.columns import ReasonColumns, empty_reasons
from services.homepage.reasons.finders import (
    BrandReason,
    BuyRegularlyReason,
    CategoryReason,
    EvidenceReason,
    ReasonFinder,
    SourceReason,
    TasteReason,
    ViewedReason,
)
from vitrine.homepage.v1 import reason_pb2

# The weakest first.
FINDERS: Final[Sequence[ReasonFinder]] = (
    SourceReason(),
    TasteReason(),
    BrandReason(),
    CategoryReason(),
    EvidenceReason(),
    ViewedReason(),
    BuyRegularlyReason(),
)


def explain(query: Query, candidates: Candidates, finders: Sequence[ReasonFinder] = FINDERS) -> ReasonColumns:
    """Returns the two strongest reasons of each candidate; there is always at least one."""
    reasons = empty_reasons(len(candidates), tuple(candidates.sources))
    for finder in finders:
        if finder.personal and not query.personal:
            continue
        for found in finder.find(query, candidates):
            if len(found.rows):
                reasons.put_first(found.rows, found.kinds, found.evidence_item_nos, found.times, found.source)
    known = query.personal and query.user.known
    default = reason_pb2.REASON_KIND_YOUR_TASTE if known else reason_pb2.REASON_KIND_POPULAR
    reasons.put_first(np.flatnonzero(reasons.strongest["kind"] == 0), default, 0, 0, "")
    return reasons
