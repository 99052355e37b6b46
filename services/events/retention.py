import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from services.common.background import run_in_thread
from services.common.clock import Clock
from services.common.timestamps import to_millis
from services.events.storage.log_sweeper import LogSweeper

_ROWS_AT_ONCE: Final = 1_000
# Four fifths of the time are left to writers and readers.
_REST: Final = 4.0


class Retention:
    """Deletes what is older than the retention period, in small steps with pauses between them.

    `dropped` is called with a kind ("EVENTS", "PAGES", "QUARANTINE") and the number of deleted rows. Several processes
    may do this on one store.
    """

    def __init__(
        self,
        sweeper: LogSweeper,
        clock: Clock,
        keep: timedelta,
        interval_seconds: float,
        dropped: Callable[[str, int], None],
    ) -> None:
        self._sweeper = sweeper
        self._clock = clock
        self._keep = keep
        self._interval_seconds = interval_seconds
        self._dropped = dropped
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("vitrine.events")

    def start(self) -> None:
        """Starts sweeping, now and once per interval."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stops once the step that is running is done."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def sweep(self) -> int:
        """Deletes everything that is too old now; returns the number of rows."""
        before = to_millis(self._clock.now() - self._keep)
        gone = 0
        for partition in await run_in_thread(self._sweeper.partitions):
            gone += await self._steps("EVENTS", partial(self._sweeper.drop_events, partition, before, _ROWS_AT_ONCE))
        gone += await self._steps("PAGES", partial(self._sweeper.drop_pages, before, _ROWS_AT_ONCE))
        gone += await self._steps("QUARANTINE", partial(self._sweeper.drop_rejections, before, _ROWS_AT_ONCE))
        return gone

    async def _steps(self, kind: str, step: Callable[[], int]) -> int:
        gone = 0
        while True:
            began = time.perf_counter()
            rows = await run_in_thread(step)
            if rows:
                self._dropped(kind, rows)
            gone += rows
            if rows < _ROWS_AT_ONCE:
                return gone
            await asyncio.sleep(_REST * (time.perf_counter() - began))

    async def _run(self) -> None:
        while True:
            try:
                if gone := await self.sweep():
                    self._log.info("old rows deleted", rows=gone)
            except DBAPIError as error:
                self._log.warning("deleting old rows failed; it will be retried", exc_info=error)
            await asyncio.sleep(self._interval_seconds)
