import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from services.common.errors import UnavailableError

P = ParamSpec("P")
R = TypeVar("R")


class ReadPool:
    """Runs blocking reads of the store in a few threads of its own."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._executor: ThreadPoolExecutor | None = None
        self._log = structlog.get_logger("vitrine.events")

    def start(self) -> None:
        """Starts the threads."""
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="event-log-reader")

    async def close(self) -> None:
        """Ends the threads, once the reads that are running are done."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(executor.shutdown, cancel_futures=True)

    async def run(self, read: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Returns what `read` returns. Raises UnavailableError if the store fails or isn't open."""
        if self._executor is None:
            raise UnavailableError("the event log is not open; try again in a moment", reason="LOG_NOT_OPEN")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, lambda: read(*args, **kwargs))
        except (OperationalError, InterfaceError) as error:
            self._log.error("read failed", exc_info=error)
            raise UnavailableError(
                "the event log's store can't be read; try again", reason="STORE_UNAVAILABLE"
            ) from error
