"""The last good page that isn't personalized, per layout: the fallback if nothing else can be shown."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog
from google.protobuf.message import DecodeError

from services.common.atomic_files import write_atomically
from services.common.signing import Signer
from services.common.timestamps import millis_to_timestamp
from services.common.tracking import seal_tracking
from services.homepage.cards.item_matching import matches
from services.homepage.locales.texts import reason_text, title_of
from services.homepage.metrics import HomepageMetrics
from services.homepage.query import Query
from vitrine.common.v1.tracking_pb2 import TrackingPayload
from vitrine.features.v1.item_pb2 import Item, ItemKind
from vitrine.homepage.v1 import page_pb2

_logger = structlog.get_logger(__name__)


class StaticPages:
    """Keeps one page per layout, in memory and in a folder, so that there is one after a restart during an outage.

    Texts and tokens are made for each response. Cursors are left out: what they need is what is missing. A page older
    than `max_age_seconds` is neither loaded nor served: it could show items that were hidden or sold out since.
    """

    def __init__(self, directory: Path, signer: Signer, metrics: HomepageMetrics, *, max_age_seconds: float) -> None:
        self._directory = directory
        self._signer = signer
        self._metrics = metrics
        self._max_age_millis = max_age_seconds * 1000
        self._pages: dict[str, page_pb2.Page] = {}

    def load(self, layouts: Sequence[str], now_millis: int) -> None:
        """Reads the pages of an earlier process. Unreadable files and expired pages are skipped."""
        for layout in layouts:
            try:
                page = page_pb2.Page.FromString(self._path(layout).read_bytes())
            except FileNotFoundError:
                continue
            except (OSError, DecodeError) as error:
                _logger.warning("static_page_not_read", layout=layout, error=repr(error))
                continue
            if self._fresh(page, now_millis):
                self._pages[layout] = page
            else:
                _logger.warning("static_page_expired", layout=layout, made_at=page.serve_time.ToJsonString())

    def _fresh(self, page: page_pb2.Page, now_millis: int) -> bool:
        """Returns whether the page may be used, and counts it if not. One from the future has a wrong time: no age."""
        fresh = abs(now_millis - page.serve_time.ToMilliseconds()) <= self._max_age_millis
        if not fresh:
            self._metrics.static_page_expired()
        return fresh

    async def keep(self, layout: str, page: page_pb2.Page) -> None:
        """Keeps `page` from now on; only in memory if it can't be written."""
        self._pages[layout] = page
        await asyncio.to_thread(self._write, layout, page.SerializeToString())

    def _write(self, layout: str, data: bytes) -> None:
        try:
            write_atomically(self._path(layout), data)
        except OSError as error:
            _logger.warning("static_page_not_written", layout=layout, error=repr(error))

    def answer(self, query: Query, reasons: Sequence[str]) -> page_pb2.Page | None:
        """Returns the layout's static page for `query`; None if there is none, it's too old, or no card is left."""
        kept = self._pages.get(query.layout.name)
        if kept is None or not self._fresh(kept, query.serve_millis):
            return None
        page = page_pb2.Page(
            page_id=query.page_id,
            serve_time=millis_to_timestamp(query.serve_millis),
            degradation_step=page_pb2.DEGRADATION_STEP_STATIC,
            degradation_reasons=reasons,
            experiments=[
                page_pb2.ExperimentBucket(experiment=name, bucket=bucket) for name, bucket in query.experiments
            ],
            versions=page_pb2.PageVersions(config_version=kept.versions.config_version),
        )
        for shelf in kept.shelves[: query.max_shelves or None]:
            if query.shelf_kinds and shelf.kind not in query.shelf_kinds:
                continue
            answered = self._shelf(query, shelf, reasons[0])
            if answered.cards or answered.categories:
                page.shelves.append(answered)
        return page if any(shelf.cards for shelf in page.shelves) else None

    def _shelf(self, query: Query, kept: page_pb2.Shelf, reason: str) -> page_pb2.Shelf:
        shelf = page_pb2.Shelf()
        shelf.CopyFrom(kept)
        cards = [card for card in kept.cards if _wanted(query, card.item)][: query.cards_per_shelf or None]
        del shelf.cards[:]
        shelf.cards.extend(cards)
        shelf.status.state = page_pb2.SHELF_STATE_DEGRADED
        shelf.status.reason = reason
        shelf.reason.text = reason_text(query.language, shelf.reason)
        shelf.title = title_of(query.language, shelf)
        for position, card in enumerate(shelf.cards):
            card.position = position
            card.tracking_token = self._token(query, shelf.shelf_id, position, card.item.item_id)
            for card_reason in card.reasons:
                card_reason.text = reason_text(query.language, card_reason)
        for position, link in enumerate(shelf.categories):
            link.tracking_token = self._token(query, shelf.shelf_id, position, "")
            link.reason.text = reason_text(query.language, link.reason)
        return shelf

    def _token(self, query: Query, shelf_id: str, position: int, item_id: str) -> str:
        payload = TrackingPayload(
            page_id=query.page_id,
            shelf_id=shelf_id,
            position=position,
            item_id=item_id,
            experiments=[str(assignment) for assignment in query.experiments],
            serve_time_millis=query.serve_millis,
        )
        return seal_tracking(self._signer, payload)

    def _path(self, layout: str) -> Path:
        return self._directory / f"static-{layout}.binpb"


def _wanted(query: Query, card: page_pb2.CardItem) -> bool:
    """Whether the request admits the card. Conditions on what a card doesn't hold (attributes) don't match."""
    if card.item_id in query.excluded_item_ids:
        return False
    if not query.item_filter.ByteSize():
        return True
    item = Item(
        item_id=card.item_id,
        kind=ItemKind.Value(f"ITEM_KIND_{card.kind}"),
        creator_id=card.creator_id,
        category_paths=[card.category_path],
        brand=card.brand,
        price=card.price if card.HasField("price") else None,
    )
    return matches(item, query.item_filter)
