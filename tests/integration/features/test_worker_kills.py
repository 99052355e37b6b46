"""Three feature stores in processes of their own follow one log in a process of its own; one after the other is killed
with -9 at any moment and replaced, while events come in. Nothing may be lost or counted twice.
"""

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest

from services.features.settings import FeaturesSettings
from tests.integration.features.process import features_process
from tests.integration.features.shop import Shop
from tests.integration.features.workers import check, sell_items, settled, some_events
from tests.support.events import EventLog, assert_contiguous, ingest, statuses, whole_log
from tests.support.forked_event_log import forking_event_log

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WORKERS = 3
BATCH = 40
SECONDS_BETWEEN_BATCHES = (0.0, 0.1)
SECONDS_BETWEEN_KILLS = (0.0, 1.0)
KILLS = {"sqlite": 6, "mysql": 30}
SEED = 7


class Worker:
    """A feature store that can be killed and comes back, each time as a process that nobody knows."""

    def __init__(self, settings: FeaturesSettings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        self._process, self.store = await self._stack.enter_async_context(features_process(self._settings, 20))

    async def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()
        await self._stack.aclose()


async def write(log: EventLog, stop: asyncio.Event) -> int:
    """Sends batches until it is told to stop; returns how many events were acknowledged."""
    chance = random.Random(SEED)
    batches = 0
    while not stop.is_set():
        stored = statuses(await ingest(log, *some_events(BATCH, seed=batches)))
        assert stored == ["STORED"] * BATCH
        batches += 1
        await asyncio.sleep(chance.uniform(*SECONDS_BETWEEN_BATCHES))
    return batches * BATCH


async def test_workers_that_are_killed_lose_and_double_nothing(
    tmp_path: Path, database_url: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    kills = KILLS[request.node.callspec.params["database_url"]]
    chance = random.Random(SEED)
    # Each of them as often as the others.
    victims = [victim for _ in range(kills // WORKERS) for victim in chance.sample(range(WORKERS), WORKERS)]
    async with AsyncExitStack() as stack:
        logs = await stack.enter_async_context(forking_event_log(tmp_path, f"sqlite:///{tmp_path / 'events.db'}"))
        address = (await logs.start()).address
        log = EventLog(await stack.enter_async_context(grpc.aio.insecure_channel(address)))
        settings = FeaturesSettings(
            state_directory=tmp_path,
            events_address=address,
            database_url=database_url,
            lease_seconds=0.6,
            poll_seconds=0.05,
        )
        workers = [Worker(settings) for _ in range(WORKERS)]
        for worker in workers:
            await worker.start()
            stack.push_async_callback(worker.kill)
        await sell_items(workers[0].store)
        stop = asyncio.Event()
        writing = asyncio.create_task(write(log, stop))
        for victim in victims:
            await asyncio.sleep(chance.uniform(*SECONDS_BETWEEN_KILLS))
            await workers[victim].kill()
            await workers[victim].start()
        stop.set()
        acknowledged = await writing
        logged = await whole_log(log)
        assert_contiguous(logged)
        assert len(logged) == acknowledged
        stores: list[Shop] = [worker.store for worker in workers]
        await settled(stores, acknowledged)
        await check(stores, settings, logged)
    told = f"{len(victims)} kills of {WORKERS} workers, {len(logged):,} events: none lost, none counted twice"
    with capsys.disabled():
        print(f"\n{settings.url().get_backend_name()}: {told}")
