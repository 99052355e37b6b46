"""What the event log takes in, on SQLite and on MariaDB.

Run with `make bench-events`. Clients and server are processes of their own on one machine. Requests are written before
the clock starts, answers checked after it stopped. MariaDB runs on a folder of its own, and commits wait for the disk;
where it is not installed, the benchmark says so and ends.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc

from bench.serving import MEBIBYTE, Served, serving
from bench.stores import BenchStore, mariadb_stores, sqlite_stores
from cli.echo import echo_throughput
from cli.figures import Figures
from vitrine.events.v1.event_pb2 import Event, EventType
from vitrine.events.v1.event_service_pb2 import (
    EventStatus,
    GetLogStatusRequest,
    ImportEventsRequest,
    ImportEventsResponse,
    IngestEventsRequest,
    IngestEventsResponse,
)
from vitrine.events.v1.event_service_pb2_grpc import EventServiceStub

BATCH: Final = 1_000
ROUNDS: Final = 3
BATCHES_A_CLIENT: Final = 30
CLIENTS: Final = 4
SINGLE_CLIENTS: Final = 16
SINGLE_SECONDS: Final = 4.0
IMPORT_EVENTS: Final = 200_000
IMPORT_BATCH: Final = 5_000
USERS: Final = 20_000
ITEMS: Final = 50_000
_INGEST: Final = "/vitrine.events.v1.EventService/IngestEvents"


@dataclass(frozen=True, slots=True)
class Log:
    """A running event log and its store."""

    served: Served
    store: BenchStore

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.served.address


class Events:
    """Makes events that were not there before: purchases and views of a shop's many users and items."""

    def __init__(self) -> None:
        self._made = 0

    def take(self, count: int) -> list[Event]:
        """Returns the next events."""
        first = self._made
        self._made += count
        return [self._event(number) for number in range(first, self._made)]

    @staticmethod
    def _event(number: int) -> Event:
        bought = number % 8 == 0
        event = Event(
            event_id=f"{number:032x}",
            type=EventType.EVENT_TYPE_PURCHASE if bought else EventType.EVENT_TYPE_VIEW,
            item_id=f"item-{number * 7919 % ITEMS}",
        )
        event.visitor.user_id = f"user-{number * 104_729 % USERS}"
        event.event_time.seconds = 1_760_000_000 + number
        if bought:
            event.quantity, event.unit_price, event.order_id = 2.0, 3.49, f"order-{number // 64}"
        return event


async def measure_store(figures: Figures, engine: str, folder: Path, store: BenchStore) -> None:
    """Says the figures of one store, empty at first."""
    async with serving("events", folder, {"VITRINE_EVENTS_DATABASE_URL": store.url}) as served:
        await measure(figures, engine, Log(served, store))


async def measure(figures: Figures, engine: str, log: Log) -> None:
    """Says the figures of one engine."""
    events = Events()
    await batches(log, events, 1, 3)  # the first calls warm up
    before = log.served.memory_bytes()
    for name, clients in ((f"events.durable_{engine}_c1", 1), (f"events.durable_{engine}", CLIENTS)):
        figures.say(name, await _best(partial(batches, log, events, clients, BATCHES_A_CLIENT)), "/s")
    figures.say(f"events.single_{engine}", await _best(partial(singles, log, events)), "/s")
    figures.say(f"events.import_{engine}", await imported(log, events), "/s")
    async with grpc.aio.insecure_channel(log.address) as channel:
        status = await EventServiceStub(channel).GetLogStatus(GetLogStatusRequest())
    stored = sum(end.offset for end in status.end_offsets)
    per_million = 1e6 / stored
    figures.say(f"events.disk_{engine}", log.store.disk_bytes() / MEBIBYTE * per_million, "MiB/million")
    figures.say(f"events.memory_{engine}", (log.served.memory_bytes() - before) / MEBIBYTE * per_million, "MiB/million")
    figures.say(f"events.rss_{engine}", log.served.memory_bytes() / MEBIBYTE, "MiB")


async def batches(log: Log, events: Events, clients: int, count: int) -> float:
    """Returns events a second, sent by each client in `count` batches, one after the other."""
    requests = [
        [IngestEventsRequest(events=events.take(BATCH)).SerializeToString() for _ in range(count)]
        for _ in range(clients)
    ]
    return await _timed(log, requests)


async def singles(log: Log, events: Events) -> float:
    """Returns events a second where each call brings one."""
    count = int(SINGLE_SECONDS * 250)
    requests = [
        [IngestEventsRequest(events=events.take(1)).SerializeToString() for _ in range(count)]
        for _ in range(SINGLE_CLIENTS)
    ]
    return await _timed(log, requests)


async def imported(log: Log, events: Events) -> float:
    """Returns events a second of one stream of history."""
    requests = [ImportEventsRequest(events=events.take(IMPORT_BATCH)) for _ in range(IMPORT_EVENTS // IMPORT_BATCH)]
    began = time.perf_counter()
    async with grpc.aio.insecure_channel(log.address) as channel:
        answers: list[ImportEventsResponse] = [
            answer async for answer in EventServiceStub(channel).ImportEvents(iter(requests))
        ]
    seconds = time.perf_counter() - began
    stored = sum(answer.stored_count for answer in answers)
    if stored != IMPORT_EVENTS:
        raise RuntimeError(f"{stored} of {IMPORT_EVENTS} events were stored")
    return IMPORT_EVENTS / seconds


async def _timed(log: Log, requests: Sequence[Sequence[bytes]]) -> float:
    """Sends the requests of each client one after the other; returns events a second, all stored."""
    answers: list[bytes] = []

    async def client(own: Sequence[bytes]) -> None:
        async with grpc.aio.insecure_channel(log.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            ingest: Any = channel.unary_unary(_INGEST)
            answers.extend([await ingest(request, timeout=60) for request in own])

    began = time.perf_counter()
    await asyncio.gather(*(client(own) for own in requests))
    seconds = time.perf_counter() - began
    stored = [
        result.status == EventStatus.EVENT_STATUS_STORED
        for answer in answers
        for result in IngestEventsResponse.FromString(answer).results
    ]
    if not all(stored):
        raise RuntimeError(f"{stored.count(False)} of {len(stored)} events were not stored")
    return len(stored) / seconds


async def _best(measured: Callable[[], Awaitable[float]]) -> float:
    """Returns the best of a few rounds: others' work on the machine only ever slows one down."""
    return max([await measured() for _ in range(ROUNDS)])


async def main() -> None:
    """Prints the figures."""
    figures = Figures("events")
    figures.say("echo.throughput", await echo_throughput(), "/s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await measure_store(figures, "sqlite", folder, sqlite_stores(folder, 1)[0])
        with mariadb_stores(folder / "mariadb", 1) as stores:
            await measure_store(figures, "mariadb", folder, stores[0])


if __name__ == "__main__":
    asyncio.run(main())
