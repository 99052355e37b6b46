"""HomepageService over gRPC: checks, calls, marshals."""

from typing import Any, TypeAlias

import grpc

from services.common.clock import Clock
from services.common.deadlines import remaining
from services.common.timestamps import to_millis
from services.homepage.clients.events_client import EventLog
from services.homepage.pages.homepage import Homepage
from services.homepage.pages.page_maker import PageMaker
from services.homepage.pages.shelf_scroller import ShelfScroller
from services.homepage.pages.similar_shelf import SimilarShelf
from services.homepage.pinned_pages import PAGE_TOKEN, PinnedPages
from services.homepage.requests.homepage_request_reader import HomepageRequestReader
from vitrine.homepage.v1 import homepage_service_pb2 as homepage
from vitrine.homepage.v1 import homepage_service_pb2_grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

# The part of the client's time that the response needs on the wire.
_WIRE_SECONDS = 0.01


class HomepageServicer(homepage_service_pb2_grpc.HomepageServiceServicer):
    """The gateway that frontends call."""

    def __init__(
        self,
        reader: HomepageRequestReader,
        homepage_pages: Homepage,
        maker: PageMaker,
        pinned_pages: PinnedPages,
        *,
        scroller: ShelfScroller,
        similar: SimilarShelf,
        events: EventLog,
        clock: Clock,
        page_seconds: float,
    ) -> None:
        self._reader = reader
        self._homepage = homepage_pages
        self._maker = maker
        self._pinned_pages = pinned_pages
        self._scroller = scroller
        self._similar = similar
        self._events = events
        self._clock = clock
        self._page_seconds = page_seconds

    async def GetHomepage(self, request: homepage.GetHomepageRequest, context: Context) -> homepage.GetHomepageResponse:
        now = to_millis(self._clock.now())
        query = self._reader.read(request, now)
        seconds = self._seconds(context)
        if request.page_token:
            planned, maximum = self._pinned_pages.open(request.page_token, PAGE_TOKEN, "page_token", now)
            return await self._maker.continue_page(planned, maximum, request.page_token, seconds)
        return await self._homepage.serve(query, seconds)

    async def ListShelfItems(
        self, request: homepage.ListShelfItemsRequest, context: Context
    ) -> homepage.ListShelfItemsResponse:
        return await self._scroller.scroll(request, self._seconds(context))

    async def GetSimilarItems(
        self, request: homepage.GetSimilarItemsRequest, context: Context
    ) -> homepage.GetSimilarItemsResponse:
        return homepage.GetSimilarItemsResponse(shelf=await self._similar.make(request, self._seconds(context)))

    async def IngestEvents(
        self, request: homepage.IngestEventsRequest, context: Context
    ) -> homepage.IngestEventsResponse:
        response = await self._events.ingest(request.events, remaining(context, _WIRE_SECONDS))
        return homepage.IngestEventsResponse(results=response.results)

    def _seconds(self, context: Context) -> float:
        return min(remaining(context, _WIRE_SECONDS), self._page_seconds)
