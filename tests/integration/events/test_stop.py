"""A stop waits for the store without blocking the event loop, on which the last calls are answered."""

import asyncio
import threading

import pytest

from services.common.clock import FixedClock
from services.common.database import Database
from services.events.app import build
from services.events.read_pool import ReadPool
from services.events.settings import EventsSettings
from services.events.storage.log_sweeper import LogSweeper


class SlowCall:
    """Takes the place of a blocking call: it lasts until the test ends it, and reports where it runs."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.threads: list[threading.Thread] = []

    def __call__(self, *_: object) -> list[int]:
        self.threads.append(threading.current_thread())
        self.begun.set()
        self.may_end.wait(1)
        return []

    async def blocks_only(self, stopping: asyncio.Task[None]) -> None:
        """Ends the call while `stopping` waits for it, and the event loop goes on."""
        await asyncio.to_thread(self.begun.wait, 5)
        assert not (await asyncio.wait({stopping}, timeout=0.02))[0]
        self.may_end.set()
        await stopping
        assert threading.main_thread() not in self.threads


async def test_reads_that_are_running_are_waited_for() -> None:
    pool, read = ReadPool(1), SlowCall()
    pool.start()
    reading = asyncio.create_task(pool.run(read))
    await asyncio.to_thread(read.begun.wait, 5)
    await read.blocks_only(asyncio.create_task(pool.close()))
    await reading


async def test_the_store_is_closed_in_a_thread(
    settings: EventsSettings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = build(settings, clock)
    await application.start()
    dispose = SlowCall()
    with monkeypatch.context() as patched:
        patched.setattr(Database, "dispose", dispose)
        await dispose.blocks_only(asyncio.create_task(application.stop()))
    await application.stop()


async def test_a_sweep_is_waited_for_before_the_store_closes(
    settings: EventsSettings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = SlowCall()
    monkeypatch.setattr(LogSweeper, "partitions", lambda _: sweep())
    application = build(settings.model_copy(update={"retention_days": 30}), clock)
    await application.start()
    await asyncio.to_thread(sweep.begun.wait, 5)
    await sweep.blocks_only(asyncio.create_task(application.stop()))
