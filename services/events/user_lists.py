from typing import Final

from services.common.paging import PageTokens, page_size
from services.common.signing import Signer
from services.common.visitors import visitor_key
from services.events.digests import DIGEST_BYTES, visitor_digest
from services.events.logged_event import fill_logged_event
from services.events.read_pool import ReadPool
from services.events.storage.user_reader import UserReader
from vitrine.events.v1.event_service_pb2 import (
    ListUserEventsRequest,
    ListUserEventsResponse,
    ListUserPagesRequest,
    ListUserPagesResponse,
    PageRecord,
)

_DEFAULT_EVENTS: Final = 100
_MAX_EVENTS: Final = 1_000
_DEFAULT_PAGES: Final = 20
_MAX_PAGES: Final = 100


class UserLists:
    """Lists a visitor's events and pages, newest first. Raises InvalidArgumentError for a bad request."""

    def __init__(self, reader: UserReader, pool: ReadPool, signer: Signer) -> None:
        self._reader = reader
        self._pool = pool
        self._event_tokens: PageTokens[tuple[int, int]] = PageTokens(signer, "events.user_events", "qQ")
        self._page_tokens: PageTokens[tuple[int, bytes]] = PageTokens(signer, "events.user_pages", f"q{DIGEST_BYTES}s")

    async def events(self, request: ListUserEventsRequest) -> ListUserEventsResponse:
        """Lists events by `event_time`."""
        key = visitor_digest(visitor_key(request.visitor))
        size = page_size(request.page_size, default=_DEFAULT_EVENTS, largest=_MAX_EVENTS)
        after = self._event_tokens.read(request.page_token, key)
        found = await self._pool.run(self._reader.events, key, size + 1, after)
        response = ListUserEventsResponse()
        for each in found[:size]:
            fill_logged_event(response.events.add(), each.stored)
        if len(found) > size:
            last = found[size - 1]
            response.next_page_token = self._event_tokens.make(key, (last.event_millis, last.stored.offset))
        return response

    async def pages(self, request: ListUserPagesRequest) -> ListUserPagesResponse:
        """Lists pages by `serve_time`."""
        key = visitor_digest(visitor_key(request.visitor))
        size = page_size(request.page_size, default=_DEFAULT_PAGES, largest=_MAX_PAGES)
        after = self._page_tokens.read(request.page_token, key)
        found = await self._pool.run(self._reader.pages, key, size + 1, after)
        response = ListUserPagesResponse(pages=[PageRecord.FromString(each.payload) for each in found[:size]])
        if len(found) > size:
            last = found[size - 1]
            response.next_page_token = self._page_tokens.make(key, (last.serve_millis, last.page_key))
        return response
