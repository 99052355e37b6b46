from collections.abc import Sequence
from typing import Final

from services.common.timestamps import in_range, timestamp_to_millis
from services.common.validation import Violations, check_batch
from services.common.visitors import check_visitor, visitor_key
from services.events.digests import page_digest, visitor_digest
from services.events.group_commit import GroupCommitter
from services.events.storage.operations import AppendPages
from services.events.storage.records import NewPage
from vitrine.events.v1.event_service_pb2 import PageRecord, ShelfRecord

MAX_PAGES: Final = 100
MAX_PAGE_BYTES: Final = 1024 * 1024


class PageLog:
    """Stores pages as they were served. They come from the homepage service: an invalid one is a bug there, and fails
    the call.
    """

    def __init__(self, committer: GroupCommitter) -> None:
        self._committer = committer

    async def log(self, pages: Sequence[PageRecord]) -> int:
        """Stores `pages`; returns how many were new, once they're durable.

        Raises InvalidArgumentError naming each invalid field.
        """
        check_batch("pages", pages, MAX_PAGES)
        violations = Violations()
        for index, page in enumerate(pages):
            _check(violations, f"pages[{index}]", page)
        violations.raise_if_any("No page was stored")
        return await self._committer.submit(AppendPages([_record(page) for page in pages]))


def _record(page: PageRecord) -> NewPage:
    return NewPage(
        page_digest(page.page_id),
        visitor_digest(visitor_key(page.visitor)),
        timestamp_to_millis(page.serve_time),
        page.SerializeToString(),
    )


def _check(violations: Violations, field: str, page: PageRecord) -> None:
    violations.identifier(f"{field}.page_id", page.page_id)
    check_visitor(violations, page.visitor, f"{field}.visitor")
    if (size := page.ByteSize()) > MAX_PAGE_BYTES:
        violations.add(field, f"has {size:,} bytes; send at most {MAX_PAGE_BYTES:,} per page", reason="PAGE_TOO_LARGE")
    if not page.HasField("serve_time"):
        violations.add(f"{field}.serve_time", "is missing; set it to when the page was served", reason="FIELD_REQUIRED")
    elif not in_range(page.serve_time):
        violations.add(
            f"{field}.serve_time",
            "isn't a time between the years 1 and 9999; send seconds and nanos of UTC since 1970",
            reason="TIME_OUT_OF_RANGE",
        )
    for index, shelf in enumerate(page.shelves):
        _check_shelf(violations, f"{field}.shelves[{index}]", shelf)


def _check_shelf(violations: Violations, field: str, shelf: ShelfRecord) -> None:
    violations.identifier(f"{field}.shelf_id", shelf.shelf_id)
    for index, item_id in enumerate(shelf.item_ids):
        violations.identifier(f"{field}.item_ids[{index}]", item_id)
