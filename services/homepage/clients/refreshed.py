"""Values of other services that many pages share."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from services.common.errors import VitrineError

T = TypeVar("T")

_logger = structlog.get_logger(__name__)


class Refreshed(Generic[T]):
    """Loads a value on first use, and again in the background once it's older than `lifetime` seconds.

    The old value serves meanwhile, and for as long as the new one cannot be loaded. Callers at the same time share one
    load. `load` is given `load_seconds`.
    """

    def __init__(
        self,
        load: Callable[[float], Awaitable[T]],
        *,
        lifetime: float,
        load_seconds: float,
        elapsed_clock: Callable[[], float],
    ) -> None:
        self._load = load
        self._lifetime = lifetime
        self._load_seconds = load_seconds
        self._clock = elapsed_clock
        self._value: T | None = None
        self._next_load = 0.0
        self._task: asyncio.Task[T] | None = None

    @property
    def current(self) -> T | None:
        """The current value, however old; None if it was never loaded."""
        return self._value

    async def get(self) -> T:
        """Returns the value; raises the load's error if there is none yet."""
        if self._value is not None and self._clock() < self._next_load:
            return self._value
        if self._task is None:
            self._task = asyncio.create_task(self._refresh())
            self._task.add_done_callback(self._done)
        if self._value is not None:
            return self._value
        # One caller's cancellation must not cancel the load that others wait for.
        return await asyncio.shield(self._task)

    async def _refresh(self) -> T:
        self._value = await self._load(self._load_seconds)
        return self._value

    def _done(self, task: asyncio.Task[T]) -> None:
        self._task = None
        self._next_load = self._clock() + self._lifetime
        if not task.cancelled() and (error := task.exception()) is not None:
            log = _logger.info if isinstance(error, VitrineError) else _logger.error
            log("refresh_failed", error=repr(error))

    async def close(self) -> None:
        """Cancels a load in progress."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
