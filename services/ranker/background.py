"""Work that goes on beside the requests for as long as the service runs."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc
import structlog

_log = structlog.get_logger(__name__)


async def keep_doing(name: str, action: Callable[[], Awaitable[object]], pause_seconds: float) -> None:
    """Does `action` again and again, with a pause after each time; logs when it begins to fail, and when that ends."""
    failed = ""
    while True:
        try:
            await action()
        except Exception as error:  # noqa: BLE001  # what goes wrong once must not end the work for good
            words = _words(error)
            if words != failed:
                _log.warning("background_work_failed", work=name, error=words)
            failed = words
        else:
            if failed:
                _log.info("background_work_recovered", work=name)
            failed = ""
        await asyncio.sleep(pause_seconds)


def _words(error: Exception) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return f"{type(error).__name__}: {error}"
