"""Cursors and page tokens: the planned rest of a page, compressed and signed.

They pin the served order: whatever model, index or configuration comes next, scrolling continues in it.
"""

import zlib
from typing import Final

import numpy as np
from google.protobuf.message import DecodeError

from services.common.errors import InvalidArgumentError, invalid_field
from services.common.signing import InvalidToken, Signer
from services.homepage.experiments import Assignment
from services.homepage.locales.texts import LANGUAGES
from services.homepage.pages.planned_page import PageHeader, PlannedPage, PlannedShelf
from services.homepage.reasons.columns import REASON, ReasonColumns
from vitrine.homepage.v1 import page_pb2
from vitrine.homepage.v1.pinned_page_pb2 import PinnedPage, PinnedShelf

CURSOR: Final = "cursor"
PAGE_TOKEN: Final = "page_token"  # noqa: S105  # a purpose, not a secret
_FORMAT: Final = 1
_PLAIN: Final = b"p"
_COMPRESSED: Final = b"z"
_LEAST_COMPRESSED: Final = 1024
_AGE_NOT_KNOWN: Final = 0


class PinnedPages:
    """Seals and opens planned pages. `purpose` keeps cursors and page tokens apart."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def seal(self, page: PlannedPage, purpose: str, max_shelves: int = 0) -> str:
        """Returns the token that pins `page`; a shelf of 300 items takes about 2 KB."""
        header = page.header
        pinned = PinnedPage(
            page_id=header.page_id,
            format=_FORMAT,
            language=header.language,
            visitor_age=header.visitor_age or _AGE_NOT_KNOWN,
            degradation_step=header.step,
            degradation_reasons=header.degradation_reasons,
            experiments=[
                page_pb2.ExperimentBucket(experiment=name, bucket=bucket) for name, bucket in header.experiments
            ],
            versions=header.versions,
            shelves=[_pinned(shelf) for shelf in page.shelves],
            sources=page.shelves[0].reasons.source_names if page.shelves else (),
            max_shelves=max_shelves,
        )
        return self._signer.seal(_packed(pinned.SerializeToString()), purpose)

    def open(self, text: str, purpose: str, field: str, serve_millis: int) -> tuple[PlannedPage, int]:
        """Returns the planned page, served at `serve_millis`, and its maximum number of shelves.

        Raises InvalidArgumentError (MALFORMED_CURSOR) naming `field` if `text` wasn't made by `seal`.
        """
        try:
            pinned = PinnedPage.FromString(_unpacked(self._signer.open(text, purpose)))
        except (InvalidToken, DecodeError, zlib.error, UnicodeEncodeError):
            raise malformed(field) from None
        if pinned.format != _FORMAT or pinned.language not in LANGUAGES:
            raise malformed(field)
        header = PageHeader(
            page_id=pinned.page_id,
            serve_millis=serve_millis,
            language=pinned.language,
            visitor_age=pinned.visitor_age or None,
            step=pinned.degradation_step,
            degradation_reasons=tuple(pinned.degradation_reasons),
            experiments=tuple(Assignment(entry.experiment, entry.bucket) for entry in pinned.experiments),
            versions=pinned.versions,
        )
        sources = tuple(pinned.sources)
        return PlannedPage(header, [_planned(shelf, sources) for shelf in pinned.shelves]), pinned.max_shelves


def _packed(data: bytes) -> bytes:
    """Returns `data`, compressed unless it's too short to be worth it."""
    return _COMPRESSED + zlib.compress(data, 1) if len(data) > _LEAST_COMPRESSED else _PLAIN + data


def _unpacked(data: bytes) -> bytes:
    return zlib.decompress(data[1:]) if data[:1] == _COMPRESSED else data[1:]


def malformed(field: str) -> InvalidArgumentError:
    """Returns the error for a cursor or page token that wasn't made here."""
    return invalid_field(
        field,
        "isn't from this shop; send it exactly as received, or start again with GetHomepage",
        "MALFORMED_CURSOR",
    )


def _pinned(shelf: PlannedShelf) -> PinnedShelf:
    strongest = shelf.reasons.strongest
    return PinnedShelf(
        shelf_id=shelf.shelf_id,
        kind=shelf.kind,
        position=shelf.position,
        reason=shelf.reason,
        evidence_item_no=shelf.evidence_item_no,
        status=shelf.status,
        item_nos=shelf.item_nos,
        reason_kinds=strongest["kind"].tolist(),
        evidence_item_nos=strongest["evidence_item_no"].tolist(),
        reason_counts=strongest["times"].tolist(),
        source_indexes=strongest["source"].tolist(),
        categories=shelf.categories,
        card_limit=shelf.card_limit,
    )


def _planned(shelf: PinnedShelf, sources: tuple[str, ...]) -> PlannedShelf:
    slots = np.empty((1, len(shelf.item_nos)), REASON)
    slots["kind"], slots["evidence_item_no"] = shelf.reason_kinds, shelf.evidence_item_nos
    slots["times"], slots["source"] = shelf.reason_counts, shelf.source_indexes
    return PlannedShelf(
        shelf_id=shelf.shelf_id,
        kind=shelf.kind,
        item_nos=list(shelf.item_nos),
        reasons=ReasonColumns(slots, sources),
        reason=shelf.reason,
        evidence_item_no=shelf.evidence_item_no,
        status=shelf.status,
        position=shelf.position,
        card_limit=shelf.card_limit,
        categories=list(shelf.categories),
    )
