"""A probe server that is caught while it starts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from services.common.server import Server
from tests.support.probe_service import ProbeApplication, ProbeSettings


@asynccontextmanager
async def starting_server(settings: ProbeSettings) -> AsyncIterator[tuple[Server, Callable[[], Awaitable[None]]]]:
    """Yields a server whose application has not started, and what finishes its start; stops it at the end."""
    application = ProbeApplication()
    application.may_start.clear()
    server = Server(settings, application)
    starting = asyncio.create_task(server.start())
    await application.started.wait()

    async def finish() -> None:
        application.may_start.set()
        await starting

    try:
        yield server, finish
    finally:
        await finish()
        await server.stop()
