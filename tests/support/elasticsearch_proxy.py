"""Something between a client and Elasticsearch that can fail as clusters do, with a real server behind it or none."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web

PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
_OF_ONE_HOP = {"Host", "Content-Length", "Transfer-Encoding", "Content-Encoding", "Accept-Encoding"}


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


Fault = Callable[[Asked], Awaitable[web.Response | None]]


@dataclass
class ElasticsearchProxy:
    """Passes requests on, unless `fault` answers in the cluster's place."""

    target: str = ""
    asked: list[Asked] = field(default_factory=list)
    fault: Fault | None = None
    address: str = ""

    def searches(self) -> list[Asked]:
        """The searches among what was asked."""
        return [asked for asked in self.asked if asked.path.endswith("/_search")]

    async def _answer(self, request: web.Request) -> web.Response:
        asked = Asked(request.method, request.path, request.headers.copy(), await request.text())
        self.asked.append(asked)
        if self.fault is not None and (answer := await self.fault(asked)) is not None:
            return answer
        if not self.target:
            return answered({}, 404)
        headers = {name: value for name, value in request.headers.items() if name not in _OF_ONE_HOP}
        async with (
            ClientSession() as session,
            session.request(
                request.method, self.target + request.raw_path, data=asked.body or None, headers=headers
            ) as passed,
        ):
            kept = {name: value for name, value in passed.headers.items() if name not in _OF_ONE_HOP}
            return web.Response(body=await passed.read(), status=passed.status, headers=kept)

    @asynccontextmanager
    async def open(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["ElasticsearchProxy"]:
        """Serves on a free port of this machine."""
        application = web.Application(client_max_size=1 << 28)
        application.router.add_route("*", "/{path:.*}", self._answer)
        # A client that was killed leaves its question open; nobody waits for it.
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
            await site.start()
            (port,) = {address[1] for address in runner.addresses}
            self.address = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
            yield self
        finally:
            await runner.cleanup()


def answered(body: Any, status: int = 200) -> web.Response:
    """An answer of the cluster's."""
    return web.json_response(body, status=status, headers=PRODUCT)
