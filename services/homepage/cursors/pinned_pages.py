"""Cursors and page tokens: the planned part of a page, compressed and signed.

They pin the served order: whatever model, index or configuration comes next, scrolling goes on where it was.
"""

import zlib
from typing import Final

import numpy as np
from google.protobuf.message import DecodeError

from services.common.errors import FieldViolation, InvalidArgumentError
from services.common.signing import InvalidToken, Signer
from services.homepage.experiments import Assignment
from services.homepage.locales.texts import LANGUAGES
from services.homepage.pages.planned_page import PageHeader, PlannedPage, PlannedShelf
from services.homepage.reasons.columns import ReasonColumns
from vitrine.homepage.v1 import page_pb2
from vitrine.homepage.v1.pinned_page_pb2 import PinnedPage, PinnedShelf

CURSOR: Final = "cursor"
PAGE_TOKEN: Final = "page_token"  # noqa: S105  # a purpose, not a secret
_FORMAT: Final = 1
_AGE_NOT_KNOWN: Final = 0


class PinnedPages:
    """Seals and opens planned pages. `purpose` keeps cursors and page tokens apart."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def seal(self, page: PlannedPage, purpose: str, max_shelves: int = 0) -> str:
        """Returns the text that pins `page`; one shelf of 300 items takes some 2 KB."""
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
        return self._signer.seal(zlib.compress(pinned.SerializeToString(), 1), purpose)

    def open(self, text: str, purpose: str, field: str, serve_millis: int) -> tuple[PlannedPage, int]:
        """Returns the planned page, served at `serve_millis`, and its greatest number of shelves.

        Raises InvalidArgumentError (MALFORMED_CURSOR) naming `field` where the text is not one that `seal` made.
        """
        try:
            pinned = PinnedPage.FromString(zlib.decompress(self._signer.open(text, purpose)))
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


def malformed(field: str) -> InvalidArgumentError:
    """Returns the error for a cursor or page token that was not made here."""
    remedy = "is not one that this shop handed out; send it exactly as it came, or begin again with GetHomepage"
    return InvalidArgumentError(
        f"{field} {remedy}",
        reason="MALFORMED_CURSOR",
        violations=[FieldViolation(field, remedy, "MALFORMED_CURSOR")],
    )


def _pinned(shelf: PlannedShelf) -> PinnedShelf:
    reasons = shelf.reasons
    return PinnedShelf(
        shelf_id=shelf.shelf_id,
        kind=shelf.kind,
        position=shelf.position,
        reason=shelf.reason,
        evidence_item_no=shelf.evidence_item_no,
        status=shelf.status,
        item_nos=shelf.item_nos,
        reason_kinds=reasons.kinds[:, 0].tolist(),
        evidence_item_nos=reasons.evidence_item_nos[:, 0].tolist(),
        reason_counts=reasons.counts[:, 0].tolist(),
        source_indexes=reasons.sources[:, 0].tolist(),
        categories=shelf.categories,
        card_limit=shelf.card_limit,
    )


def _planned(shelf: PinnedShelf, sources: tuple[str, ...]) -> PlannedShelf:
    count = len(shelf.item_nos)
    return PlannedShelf(
        shelf_id=shelf.shelf_id,
        kind=shelf.kind,
        item_nos=list(shelf.item_nos),
        reasons=ReasonColumns(
            np.fromiter(shelf.reason_kinds, np.uint8, count).reshape(count, 1),
            np.fromiter(shelf.evidence_item_nos, np.uint32, count).reshape(count, 1),
            np.fromiter(shelf.reason_counts, np.uint32, count).reshape(count, 1),
            np.fromiter(shelf.source_indexes, np.uint8, count).reshape(count, 1),
            sources,
        ),
        reason=shelf.reason,
        evidence_item_no=shelf.evidence_item_no,
        status=shelf.status,
        position=shelf.position,
        card_limit=shelf.card_limit,
        categories=list(shelf.categories),
    )
