"""Prometheus metrics over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server

from services.common.errors import FailedPreconditionError


@asynccontextmanager
async def metrics_server(registry: CollectorRegistry, host: str, port: int, variable: str) -> AsyncIterator[None]:
    """Answers GET /metrics on `host`:`port` while the block runs; port 0 is off.

    Raises FailedPreconditionError where the port is taken, naming the `variable` that changes it.
    """
    if port == 0:
        yield
        return
    try:
        server, thread = start_http_server(port, host.strip("[]"), registry)
    except OSError as error:
        raise FailedPreconditionError(
            f"cannot listen on {host}:{port} for metrics ({error.strerror}); set {variable} to another port, or to 0",
            reason="PORT_TAKEN",
        ) from error
    try:
        yield
    finally:
        await asyncio.to_thread(_close, server, thread)


def _close(server: WSGIServer, thread: Thread) -> None:
    server.shutdown()
    server.server_close()  # waits for the answers that are under way
    thread.join()
