"""Finds reasons for candidates: one class per kind of evidence, each over all candidates at once."""

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from services.homepage.clients.columns import column
from services.homepage.history import History
from services.homepage.pipeline.candidates import Candidates
from services.homepage.query import Query
from services.homepage.source_names import (
    BUY_AGAIN,
    CONTENT,
    EMBEDDING,
    ITEM_CF,
    NEW_ARRIVALS,
    ON_SALE,
    POPULAR,
    RECENTLY_VIEWED,
    SIMILAR_ITEMS,
    TRENDING,
)
from vitrine.homepage.v1 import reason_pb2

# The weakest first: being on sale says more than being popular.
_SOURCE_REASONS: Final = (
    (POPULAR, reason_pb2.REASON_KIND_POPULAR),
    (TRENDING, reason_pb2.REASON_KIND_TRENDING),
    (NEW_ARRIVALS, reason_pb2.REASON_KIND_NEW),
    (ON_SALE, reason_pb2.REASON_KIND_ON_SALE),
)
# The weakest first: being bought together says more than looking similar.
_EVIDENCE_SOURCES: Final = (EMBEDDING, CONTENT, SIMILAR_ITEMS, ITEM_CF)
_TOP_BRANDS: Final = 3
_TOP_CATEGORIES: Final = 5


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates (rows, shape (k,)) that a reason applies to; the other fields are one value or of shape (k,)."""

    rows: NDArray[np.intp]
    kinds: Any
    evidence_item_nos: Any = 0
    times: Any = 0
    source: str = ""


class ReasonFinder(Protocol):
    """Finds one kind of evidence. `personal` finders run only if consent allows it."""

    personal: bool = True

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        """Returns the reasons; later entries are stronger."""
        ...


class SourceReason(ReasonFinder):
    """Its source itself is the reason: popular, trending, new, on sale."""

    personal = False

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        return [
            Found(np.flatnonzero(candidates.proposed_by(source)), kind, source=source)
            for source, kind in _SOURCE_REASONS
        ]


class TasteReason(ReasonFinder):
    """It matches the visitor's behavior as a whole: the behavior model's own proposals."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        rows = np.flatnonzero(candidates.proposed_by(EMBEDDING))
        return [Found(rows, reason_pb2.REASON_KIND_YOUR_TASTE, source=EMBEDDING)]


class BrandReason(ReasonFinder):
    """It's from one of the visitor's three favorite brands."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        brands = column(query.user.brand_affinities.nos[:_TOP_BRANDS], np.uint32)
        rows = np.flatnonzero(np.isin(candidates.item_states.brand_nos, brands[brands > 0]))
        return [Found(rows, reason_pb2.REASON_KIND_YOUR_BRAND)]


class CategoryReason(ReasonFinder):
    """It's from one of the visitor's five favorite categories, at the level that shelves name."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        named = set(query.categories.navigation_nos)
        liked = [number for number in query.user.category_affinities.nos if number in named][:_TOP_CATEGORIES]
        shelf_nos = query.categories.shelf_categories(candidates.item_states.category_nos)
        rows = np.flatnonzero(np.isin(shelf_nos, np.array(liked, np.uint32)))
        return [Found(rows, reason_pb2.REASON_KIND_YOUR_CATEGORY)]


class EvidenceReason(ReasonFinder):
    """An item of the visitor's history led to it; the kind says how the visitor interacted with that item."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        history = History(query.user)
        found: list[Found] = []
        for source in _EVIDENCE_SOURCES:
            proposed = candidates.sources.get(source)
            if proposed is None:
                continue
            evidence = proposed.evidence_item_nos
            led = (evidence > 0) & (evidence != candidates.item_nos[proposed.indexes])
            kinds = history.reason_kinds(evidence[led])
            found.append(Found(proposed.indexes[led].astype(np.intp), kinds, evidence[led], source=source))
        return found


class ViewedReason(ReasonFinder):
    """The visitor viewed this item itself."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        rows = np.flatnonzero(candidates.proposed_by(RECENTLY_VIEWED))
        return [Found(rows, reason_pb2.REASON_KIND_YOU_VIEWED_THIS, source=RECENTLY_VIEWED)]


class BuyRegularlyReason(ReasonFinder):
    """The visitor bought this item itself: twice or more, or once if it's due again."""

    def find(self, query: Query, candidates: Candidates) -> list[Found]:
        purchases = History(query.user).purchases(candidates.item_nos)
        due = candidates.proposed_by(BUY_AGAIN)
        rows = np.flatnonzero((purchases > 1) | (due & (purchases > 0)))
        kind = reason_pb2.REASON_KIND_YOU_BUY_REGULARLY
        return [Found(rows, kind, times=purchases[rows], source=BUY_AGAIN if due.any() else "")]
