"""The homepage as the kit runs it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import grpc

from services.homepage.page_log import PageLogSideEffect
from services.homepage.servicer import HomepageServicer
from services.homepage.static_pages.refresher import StaticPageRefresher
from vitrine.homepage.v1 import homepage_service_pb2, homepage_service_pb2_grpc


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that the composition root makes and the application starts and stops."""

    servicer: HomepageServicer
    refresher: StaticPageRefresher
    page_log: PageLogSideEffect
    close_shared_values: Callable[[], Awaitable[None]]


class HomepageApplication:
    """Starts immediately, whatever the state of the other services: a page is possible without any of them."""

    def __init__(self, name: str, wire: Callable[[AsyncExitStack], Parts]) -> None:
        self.name = name
        self._wire = wire
        self._stack = AsyncExitStack()
        self._parts: Parts | None = None

    @property
    def parts(self) -> Parts:
        """The wired parts; an error before `register`."""
        if self._parts is None:
            raise RuntimeError("the application hasn't been registered with a server")
        return self._parts

    def register(self, server: grpc.aio.Server) -> Sequence[str]:
        # Wired here and not earlier: channels belong to the running event loop.
        self._parts = self._wire(self._stack)
        homepage_service_pb2_grpc.add_HomepageServiceServicer_to_server(self._parts.servicer, server)
        return [homepage_service_pb2.DESCRIPTOR.services_by_name["HomepageService"].full_name]

    async def start(self) -> None:
        parts = self.parts
        self._stack.push_async_callback(parts.close_shared_values)
        parts.page_log.start()
        self._stack.push_async_callback(parts.page_log.stop)
        parts.refresher.start()
        self._stack.push_async_callback(parts.refresher.stop)

    async def stop(self) -> None:
        await self._stack.aclose()
