"""Similar items, as a shelf of their own."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from services.common.clock import Clock
from services.common.errors import NotFoundError, UnavailableError, VitrineError
from services.common.paging import page_size
from services.common.timestamps import millis_to_timestamp, to_millis
from services.common.validation import Violations
from services.common.visitors import check_visitor
from services.homepage.cards.admission import Admission
from services.homepage.cards.card_loader import CardLoader
from services.homepage.clients.candidates_client import CandidateFinder
from services.homepage.clients.features_client import Features
from services.homepage.locales.texts import SIMILAR_SHELF_ID, language_of
from services.homepage.pages.page_renderer import PageRenderer
from services.homepage.pages.planned_page import PageHeader, PlannedShelf
from services.homepage.reasons.columns import empty_reasons
from services.homepage.requests import bounds
from services.homepage.source_names import SIMILAR_ITEMS
from services.homepage.visitor_age import known_age
from vitrine.candidates.v1.candidate_service_pb2 import ListSimilarItemsRequest
from vitrine.common.v1 import visitor_pb2
from vitrine.features.v1.catalog_service_pb2 import CatalogItem
from vitrine.features.v1.user_features_pb2 import UserFeatures
from vitrine.homepage.v1 import homepage_service_pb2 as homepage
from vitrine.homepage.v1 import page_pb2, reason_pb2

_DEFAULT_LIMIT = 12
# Requested beyond the limit: for the shelf's cursor, and in place of items that are gone.
_FURTHER = 60


class SimilarShelf:
    """Makes shelves of similar items."""

    def __init__(
        self,
        features: Features,
        finder: CandidateFinder,
        card_loader: CardLoader,
        renderer: PageRenderer,
        *,
        clock: Clock,
        new_id: Callable[[], str],
        shop_language: str,
    ) -> None:
        self._features = features
        self._finder = finder
        self._card_loader = card_loader
        self._renderer = renderer
        self._clock = clock
        self._new_id = new_id
        self._shop_language = shop_language

    async def make(self, request: homepage.GetSimilarItemsRequest, seconds: float) -> page_pb2.Shelf:
        """Returns the shelf; raises InvalidArgumentError, NotFoundError (UNKNOWN_ITEM), UnavailableError.

        If the candidates service doesn't answer, the shelf has no cards and its status says so.
        """
        violations = Violations()
        violations.identifier("item_id", request.item_id)
        check_visitor(violations, request.visitor)
        limit = page_size(
            request.limit, default=_DEFAULT_LIMIT, largest=bounds.MAX_CARDS, field="limit", violations=violations
        )
        bounds.check_filter(violations, request.filter)
        violations.raise_if_any()
        now = to_millis(self._clock.now())
        item, user = await asyncio.gather(
            self._item(request.item_id, seconds * 0.3), self._user(request.visitor, now, seconds * 0.3)
        )
        shelf = PlannedShelf(
            shelf_id=SIMILAR_SHELF_ID,
            kind=page_pb2.SHELF_KIND_BECAUSE_YOU,
            item_nos=[],
            reasons=empty_reasons(0, [SIMILAR_ITEMS]),
            reason=reason_pb2.Reason(kind=reason_pb2.REASON_KIND_YOU_VIEWED, source=SIMILAR_ITEMS),
            evidence_item_no=item.item_no,
            card_limit=limit,
            minimum_cards=0,
        )
        header = PageHeader(
            page_id=self._new_id(),
            serve_millis=now,
            language=language_of(request.locale, self._shop_language),
            visitor_age=known_age(user.attributes),
        )
        wanted = ListSimilarItemsRequest(
            item_no=item.item_no,
            limit=limit + _FURTHER,
            filter=request.filter,
            excluded_item_nos=user.disliked_item_nos,
            query_time=millis_to_timestamp(now),
        )
        try:
            response = await self._finder.similar(wanted, seconds * 0.4)
            shelf = _with_items(shelf, list(response.item_nos))
        except VitrineError:
            shelf.status.state = page_pb2.SHELF_STATE_DEGRADED
            shelf.status.reason = "CANDIDATES_UNAVAILABLE"
        admission = Admission(
            now,
            header.visitor_age,
            request.filter if request.filter.ByteSize() else None,
            frozenset({request.item_id}),
            item.item.group_id,
        )
        try:
            filled, loaded = await self._card_loader.fill([shelf], admission, seconds * 0.3)
        except VitrineError as error:
            raise _unavailable() from error
        page = page_pb2.Page()
        self._renderer.add_shelves(page.shelves, header, filled, loaded)
        return page.shelves[0]

    async def _item(self, item_id: str, seconds: float) -> CatalogItem:
        try:
            items = await self._features.items([], seconds, item_ids=[item_id])
        except VitrineError as error:
            raise _unavailable() from error
        if not items:
            raise NotFoundError(
                "item_id isn't in the catalog; send the id of an item that was upserted", reason="UNKNOWN_ITEM"
            )
        return items[0]

    async def _user(self, visitor: visitor_pb2.Visitor, now: int, seconds: float) -> UserFeatures:
        """Returns the visitor's features; empty ones, without a known age, if they're unavailable."""
        try:
            return await self._features.user_features(visitor, now, visitor_pb2.CONSENT_UNSPECIFIED, seconds)
        except VitrineError:
            return UserFeatures()


def _with_items(shelf: PlannedShelf, item_nos: list[int]) -> PlannedShelf:
    reasons = empty_reasons(len(item_nos), [SIMILAR_ITEMS])
    reasons.put_first(
        np.arange(len(item_nos)), reason_pb2.REASON_KIND_YOU_VIEWED, shelf.evidence_item_no, 0, SIMILAR_ITEMS
    )
    return replace(shelf, item_nos=item_nos, reasons=reasons)


def _unavailable() -> UnavailableError:
    return UnavailableError("the catalog doesn't answer; try again in a moment", reason="FEATURES_UNAVAILABLE")
