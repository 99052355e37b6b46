import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from services.candidates.elastic.feeder import Feeder
from services.candidates.elastic.indexes import Index, Indexes
from services.candidates.elastic.lease import RENEW_SECONDS, Lease
from services.candidates.elastic.schema import Schema
from services.common.clock import Clock
from services.common.errors import AbortedError, VitrineError

# What is left to a search beyond its own time, for the way to the old index and back.
_RESERVE_SECONDS: Final = 5.0


class Keeper:
    """Keeps the index up to date while this process has the lease, and makes it anew where its schema is not the
    code's: the old one answers, and is kept up to date too, until the new one has caught up with the catalog.
    """

    def __init__(
        self, indexes: Indexes, feeder: Feeder, lease: Lease, schema: Schema, clock: Clock, *, search_seconds: float
    ) -> None:
        """A search takes `search_seconds` at the most: so long one that began before the alias moved may still ask the
        old index, and would fail without it.
        """
        self._indexes = indexes
        self._feeder = feeder
        self._lease = lease
        self._schema = schema
        self._clock = clock
        self._still_searched_seconds = search_seconds + _RESERVE_SECONDS
        self._log = structlog.get_logger("vitrine.candidates")

    async def keep(self) -> None:
        """Keeps the index until something fails; returns at once where another process has the lease."""
        if not await self._lease.take():
            return
        try:
            await _first_of(self._renew(), self._feed())
        finally:
            await self._let_go()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if not await self._lease.take():
                raise AbortedError("another process keeps the index now", reason="LEASE_LOST")

    async def _feed(self) -> None:
        current = await self._indexes.current()
        fitting = current if current is not None and current.schema == self._schema.digest else None
        index = fitting or await self._unfinished(current)
        ready = asyncio.Event()
        feeding = asyncio.create_task(self._feeder.feed(index.name, ready))
        try:
            if fitting is None:
                await self._build(current, ready, feeding)
                await self._indexes.promote(index)
                self._log.info("index answers", index=index.name)
            await asyncio.wait({feeding}, timeout=self._still_searched_seconds)
            if not feeding.done():
                await self._indexes.remove_others(index)
            await feeding
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    async def _unfinished(self, current: Index | None) -> Index:
        """Returns the index that is to follow the current one: one that was begun, or an empty one."""
        new = await self._indexes.begun(self._schema)
        if new is None:
            new = await self._indexes.create(self._schema, self._clock.now())
        self._log.info("index is made anew", index=new.name, old=current.name if current else "")
        return new

    async def _build(self, current: Index | None, ready: asyncio.Event, feeding: asyncio.Task[None]) -> None:
        """Waits until the new index has all, and keeps the old one up to date meanwhile."""
        waits = [ready.wait(), _result(feeding)]
        if current is not None:
            waits.append(self._follow_old(current))
        await _first_of(*waits)
        if not ready.is_set():
            raise AbortedError("the catalog's stream ended before the index was built", reason="CATALOG_ENDED")

    async def _follow_old(self, current: Index) -> None:
        # The old index may refuse what the new code writes: then it answers as it is.
        try:
            await self._feeder.feed(current.name, asyncio.Event())
        except VitrineError as error:
            self._log.warning("the old index is not kept up to date", index=current.name, error=str(error))
        await asyncio.Event().wait()

    async def _let_go(self) -> None:
        try:
            await self._lease.give_back()
        except VitrineError:
            self._log.info("the lease of the index runs out by itself")


async def _result(task: asyncio.Task[None]) -> None:
    await asyncio.shield(task)


async def _first_of(*coroutines: Coroutine[Any, Any, Any]) -> None:
    """Runs all until the first one ends, raises what it raised, and ends the others."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
