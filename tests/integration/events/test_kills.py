"""Nothing acknowledged is lost, nothing skipped, nothing double, while servers and database are killed.

Two servers share a store. Writers send each batch until it is acknowledged, to whichever server answers; a tail follows
from where it was. Meanwhile one server after the other is killed with -9 and replaced, and the database once.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from services.common.timestamps import millis_to_timestamp
from tests.support.events import EventLog, assert_contiguous, ingest, statuses, tail_request, view, whole_log
from tests.support.forked_event_log import Forked, ForkingEventLog, forking_event_log
from tests.support.mariadb import fresh_database, running_mariadb
from vitrine.events.v1.event_pb2 import Event
from vitrine.events.v1.event_service_pb2 import LoggedEvent, PartitionOffset

pytestmark = pytest.mark.timeout(240)

SERVERS = 2
WRITERS = 8
SECONDS_BETWEEN_KILLS = (0.05, 0.35)


@dataclass(slots=True)
class Server:
    process: Forked
    log: EventLog


@dataclass(slots=True)
class Counts:
    kills: int = 0
    sent_again: int = 0
    reopened: int = 0
    codes: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Servers:
    """The servers that are there now."""

    forks: ForkingEventLog
    counts: Counts
    there: list[Server] = field(default_factory=list)
    channels: list[grpc.aio.Channel] = field(default_factory=list)

    async def add(self) -> None:
        process = await self.forks.start()
        channel = grpc.aio.insecure_channel(process.address)
        self.there.append(Server(process, EventLog(channel)))
        self.channels.append(channel)

    def kill_one(self) -> None:
        server = self.there.pop(random.randrange(len(self.there)))
        server.process.kill()
        self.counts.kills += 1

    async def any(self) -> EventLog:
        while not self.there:  # noqa: ASYNC110  # for a moment only
            await asyncio.sleep(0.01)
        return random.choice(self.there).log


class Writer:
    """Sends events of its own and, now and then, the same ones twice, until it is told to stop."""

    def __init__(self, number: int, servers: Servers, stop: asyncio.Event) -> None:
        self._number = number
        self._servers = servers
        self._stop = stop
        self.acknowledged: list[str] = []

    async def run(self) -> None:
        batch = 0
        while not self._stop.is_set():
            size = random.choice((1, 1, 3, 40))
            await self._send([self._event(batch, each) for each in range(size)])
            batch += 1

    def _event(self, batch: int, each: int) -> Event:
        event_id = f"{self._number}.{batch}.{each}"
        # A time of its own: nothing but the id says that it is the same event.
        time = millis_to_timestamp(1_700_000_000_000 + batch)
        return view(event_id, f"user-{random.randrange(50)}", event_time=time)

    async def _send(self, events: list[Event]) -> None:
        twice = events + events[:1] if random.random() < 0.1 else events
        while True:
            try:
                results = await ingest(await self._servers.any(), *twice)
                break
            except grpc.aio.AioRpcError as error:
                self._servers.counts.codes[error.code().name] += 1
                self._servers.counts.sent_again += 1
                await asyncio.sleep(0.02)
        assert set(statuses(results)) <= {"STORED", "DUPLICATE"}
        self.acknowledged += [event.event_id for event in events]


class Tail:
    """Follows the log over all deaths; what it handled is in `events`."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._places: list[PartitionOffset] = []
        self.events: list[LoggedEvent] = []

    async def run(self) -> None:
        while True:
            log = await self._servers.any()
            with contextlib.suppress(grpc.aio.AioRpcError):
                async for answer in log.TailEvents(tail_request(self._places, follow=True)):
                    self.events += answer.events
                    self._places = list(answer.next_offsets)
            self._servers.counts.reopened += 1
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def writing(servers: Servers, stop: asyncio.Event) -> AsyncIterator[list[Writer]]:
    """Writers that work while the block runs, and are done with what they began at its end."""
    writers = [Writer(number, servers, stop) for number in range(WRITERS)]
    tasks = [asyncio.create_task(writer.run()) for writer in writers]
    yield writers
    stop.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 60)


async def kill_servers(servers: Servers, kills: int) -> None:
    for _ in range(kills):
        await asyncio.sleep(random.uniform(*SECONDS_BETWEEN_KILLS))
        servers.kill_one()
        await servers.add()


async def caught_up(tail: Tail, count: int) -> None:
    async with asyncio.timeout(30):
        while len(tail.events) < count:  # noqa: ASYNC110  # it follows by itself
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)  # what came twice would come now


def check(log: list[LoggedEvent], tailed: list[LoggedEvent], acknowledged: list[str]) -> None:
    assert_contiguous(log)
    ids = Counter(logged.event.event_id for logged in log)
    assert set(ids.values()) == {1}, "no event is there twice"
    assert set(acknowledged) == set(ids), "nothing acknowledged is lost, and nothing was made up"
    assert_contiguous(tailed)
    assert {(each.partition, each.offset, each.event.event_id) for each in tailed} == {
        (each.partition, each.offset, each.event.event_id) for each in log
    }
    assert len(tailed) == len(log)


async def survive(folder: Path, database_url: str, kills: int, database_dies: asyncio.Event | None = None) -> str:
    """Kills and checks; returns what was counted. Half-way through, `database_dies` is set."""
    counts = Counts()
    async with forking_event_log(folder, database_url) as forks:
        servers = Servers(forks, counts)
        for _ in range(SERVERS):
            await servers.add()
        tail = Tail(servers)
        following = asyncio.create_task(tail.run())
        async with writing(servers, asyncio.Event()) as writers:
            await kill_servers(servers, kills // 2)
            if database_dies is not None:
                database_dies.set()
                await asyncio.sleep(1)
            await kill_servers(servers, kills - kills // 2)
        acknowledged = [event_id for writer in writers for event_id in writer.acknowledged]
        log = await whole_log(await servers.any())
        await caught_up(tail, len(log))
        following.cancel()
        await asyncio.wait([following])
        check(log, tail.events, acknowledged)
        await asyncio.gather(*(channel.close() for channel in servers.channels))
    assert counts.kills == kills
    # Which code a death gives depends on its moment; a refusal or a bug would have another.
    assert set(counts.codes) <= {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN"}, counts.codes
    return (
        f"{counts.kills} kills of servers, {len(acknowledged):,} events acknowledged to {WRITERS} writers and as many "
        f"in the log and in the tail; {counts.sent_again} batches were sent again, the tail was reopened "
        f"{counts.reopened} times"
    )


@pytest.mark.slow
@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.real)])
async def test_servers_on_sqlite(tmp_path: Path, kills: int, capsys: pytest.CaptureFixture[str]) -> None:
    told = await survive(tmp_path, f"sqlite:///{tmp_path / 'events.db'}", kills)
    with capsys.disabled():
        print(f"\nSQLite: {told}")


@pytest.mark.real
async def test_servers_and_the_database_on_mariadb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running_mariadb(tmp_path / "mariadb") as database, fresh_database(database.url) as url:
        dies = asyncio.Event()

        async def kill_the_database() -> None:
            await dies.wait()
            await asyncio.to_thread(database.kill)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(database.start)

        killing = asyncio.create_task(kill_the_database())
        told = await survive(tmp_path, url.render_as_string(hide_password=False), 100, dies)
        await killing
    with capsys.disabled():
        print(f"\nMariaDB: {told}; the database was killed once")
