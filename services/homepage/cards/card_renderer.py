"""Renders cards: items, reasons in words, and signed tokens."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from services.common.signing import Signer
from services.common.tracking import seal_tracking
from services.homepage.cards.item_matching import kind_name
from services.homepage.category_tree import SHELF_DEPTH
from services.homepage.locales.texts import reason_text
from services.homepage.pages.planned_page import PageHeader, PlannedShelf
from services.homepage.reasons.columns import ReasonFact
from vitrine.common.v1.tracking_pb2 import TrackingPayload
from vitrine.features.v1.catalog_service_pb2 import CatalogItem
from vitrine.features.v1.item_pb2 import Item
from vitrine.homepage.v1 import page_pb2, reason_pb2

_NEW_MILLIS: Final = 14 * 86_400_000
_EVIDENCE_KINDS: Final = frozenset(
    {
        reason_pb2.REASON_KIND_YOU_VIEWED,
        reason_pb2.REASON_KIND_YOU_FAVORITED,
        reason_pb2.REASON_KIND_YOU_CARTED,
        reason_pb2.REASON_KIND_YOU_BOUGHT,
    }
)
# Kinds of whole shelves: the first reason of a card on "Popular right now" is that it is popular.
_SHELF_KINDS: Final = frozenset(
    {
        reason_pb2.REASON_KIND_POPULAR,
        reason_pb2.REASON_KIND_TRENDING,
        reason_pb2.REASON_KIND_NEW,
        reason_pb2.REASON_KIND_ON_SALE,
    }
)
_CATEGORY_KINDS: Final = frozenset({reason_pb2.REASON_KIND_YOUR_CATEGORY, reason_pb2.REASON_KIND_POPULAR_IN_CATEGORY})

Cards: TypeAlias = RepeatedCompositeFieldContainer[page_pb2.Card]


class CardRenderer:
    """Renders the cards of one part of one page; `items` holds cards' and evidence items by number."""

    def __init__(self, signer: Signer, header: PageHeader, items: Mapping[int, CatalogItem]) -> None:
        self._signer = signer
        self._header = header
        self._items = items
        # One payload for all cards, which differ in two fields only.
        self._payload = TrackingPayload(
            page_id=header.page_id,
            model_version=header.versions.model_version,
            experiments=[str(assignment) for assignment in header.experiments],
            serve_time_millis=header.serve_millis,
        )

    def add_cards(self, cards: Cards, shelf: PlannedShelf, rows: Sequence[int]) -> None:
        """Adds cards for those of the shelf's items, in that order, positions going on from the shelf's.

        Messages are filled in place: adding separate ones would copy every card.
        """
        facts_of_rows = _with_shelf_reason(shelf, shelf.reasons.facts(rows))
        for position, (row, facts) in enumerate(zip(rows, facts_of_rows, strict=True), start=shelf.position):
            item = self._items[shelf.item_nos[row]].item
            card = cards.add(position=position, tracking_token=self.token(shelf.shelf_id, position, item.item_id))
            fill_card_item(card.item, item, self._header.serve_millis, facts)
            for fact in facts:
                self._fill_reason(card.reasons.add(), fact, item)

    def token(self, shelf_id: str, position: int, item_id: str = "") -> str:
        """Returns the tracking token of a place on the page."""
        payload = self._payload
        payload.shelf_id, payload.position, payload.item_id = shelf_id, position, item_id
        return seal_tracking(self._signer, payload)

    def _fill_reason(self, reason: reason_pb2.Reason, fact: ReasonFact, item: Item) -> None:
        reason.kind, reason.count, reason.source = fact.kind, fact.times, fact.source
        if fact.kind in _EVIDENCE_KINDS:
            self.add_evidence(reason, fact.evidence_item_no)
        elif fact.kind in _CATEGORY_KINDS and item.category_paths:
            reason.category_path.names.extend(item.category_paths[0].names[:SHELF_DEPTH])
        elif fact.kind == reason_pb2.REASON_KIND_YOUR_BRAND:
            reason.brand = item.brand
        reason.text = reason_text(self._header.language, reason)

    def add_evidence(self, reason: reason_pb2.Reason, item_no: int) -> None:
        """Adds id and title of an item of the visitor's history, unless it's gone."""
        evidence = self._items.get(item_no)
        if evidence is not None:
            reason.evidence_item_id = evidence.item.item_id
            reason.evidence_title = evidence.item.title


def _with_shelf_reason(shelf: PlannedShelf, facts_of_rows: Iterable[list[ReasonFact]]) -> Iterable[list[ReasonFact]]:
    """Puts the whole shelf's reason before each card's own reasons."""
    kind = shelf.reason.kind
    if kind not in _SHELF_KINDS:
        return facts_of_rows
    first = ReasonFact(kind, 0, 0, shelf.reason.source)
    return ([first, *(fact for fact in facts if fact.kind != kind)] for facts in facts_of_rows)


def fill_card_item(card: page_pb2.CardItem, item: Item, serve_millis: int, facts: Sequence[ReasonFact] = ()) -> None:
    """Fills a card's item."""
    card.item_id = item.item_id
    card.group_id = item.group_id
    card.title = item.title
    card.url = item.url
    card.image_url = item.image_url
    card.currency_code = item.currency_code
    card.brand = item.brand
    card.kind = kind_name(item.kind)
    card.creator_id = item.creator_id
    card.badges.extend(item.badges)
    if item.category_paths:
        card.category_path.names.extend(item.category_paths[0].names)
    if item.HasField("price"):
        card.price = item.price
        if item.HasField("list_price"):
            card.list_price = item.list_price
            if item.list_price > item.price and "sale" not in item.badges:
                card.badges.append("sale")
    if _is_new(item, serve_millis, facts) and "new" not in item.badges:
        card.badges.append("new")


def _is_new(item: Item, serve_millis: int, facts: Sequence[ReasonFact]) -> bool:
    """An item is new if the shop dated it within two weeks or, without a date, if it's a new arrival."""
    if item.HasField("available_from_time"):
        age = serve_millis - item.available_from_time.seconds * 1000
        return 0 <= age < _NEW_MILLIS
    return any(fact.kind == reason_pb2.REASON_KIND_NEW for fact in facts)
