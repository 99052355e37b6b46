"""What several workers save of the log: each event once, by whoever may."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from services.common.clock import FixedClock
from services.common.database import Database
from services.common.errors import UnavailableError
from services.common.visitors import partition_of, user_key
from services.features.catalog.catalog import Catalog
from services.features.definitions.user_state import UserState
from services.features.materializer.leases import LeaseLostError, read_offsets
from services.features.materializer.ledger import Ledger, delete_states
from services.features.materializer.user_states import read_states
from services.features.statistics.stored_statistics import read_rows
from services.features.store.store import Store
from services.features.users.users import Users
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_VIEW, Event
from vitrine.events.v1.event_service_pb2 import LoggedEvent

T = TypeVar("T")
PARTITIONS = 4
LONG, SHORT = 60_000, 1
USER_IDS = [f"u{number}" for number in range(8)]
KEYS = [user_key(user_id) for user_id in USER_IDS]
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


class TwiceStore(Store):
    """As where the connection breaks after a commit, each time: the work is done again."""

    async def write(self, work: Callable[[Connection], T]) -> T:
        await super().write(work)
        return await super().write(work)

    async def erase(self, work: Callable[[Connection], T]) -> T:
        await super().erase(work)
        return await super().erase(work)


class SilentStore(Store):
    """Commits and, where it is told to, says that it could not be reached."""

    silent = False

    async def write(self, work: Callable[[Connection], T]) -> T:
        result = await super().write(work)
        if self.silent:
            raise UnavailableError("the connection broke", reason="STORE_UNAVAILABLE")
        return result


class Worker:
    """A ledger, and the log that it has read."""

    def __init__(self, ledger: Ledger, store: Store) -> None:
        self.ledger = ledger
        self.store = store

    async def hold(self, millis: int = LONG) -> None:
        """Takes what it can get."""
        await self.ledger.renew(PARTITIONS, millis, "")

    async def read(self, log: Sequence[LoggedEvent]) -> int:
        """Applies what is new of its partitions; returns how much that was."""
        return await self.ledger.apply([each for each in log if each.partition in self.ledger.held], [])


@contextlib.asynccontextmanager
async def worker(database: Database, name: str, kind: type[Store] = Store) -> AsyncIterator[Worker]:
    store = kind(database, read_threads=1)
    catalog, users = Catalog(store, cached_items=1_000), Users(store, cached_users=100)
    ledger = Ledger(store, catalog, users, FixedClock(NOW), worker=name, cached_users=100)
    await catalog.load()
    await users.load()
    await ledger.load()
    yield Worker(ledger, store)
    await store.close()


def views(each: int) -> list[LoggedEvent]:
    """A log in which every user looked at one item so many times."""
    offsets = dict.fromkeys(range(PARTITIONS), 0)
    log = []
    for number in range(each):
        for user_id in USER_IDS:
            partition = partition_of(user_key(user_id), PARTITIONS)
            view = Event(event_id=f"{user_id}/{number}", visitor=Visitor(user_id=user_id), type=EVENT_TYPE_VIEW)
            view.item_id = "tea"
            view.event_time.FromDatetime(NOW)
            log.append(LoggedEvent(partition=partition, offset=offsets[partition], event=view))
            offsets[partition] += 1
    return log


def stored(database: Database) -> tuple[dict[str, int], list[int], int]:
    """The events of each stored history, the views of each item, and the events up to the saved offsets."""
    with database.connect() as connection:
        states = read_states(connection, KEYS)
        counts = {key: UserState.from_bytes(data).event_count for key, data in states.items()}
        return counts, [row.views for row in read_rows(connection)], sum(read_offsets(connection).values())


def whole(each: int) -> tuple[dict[str, int], list[int], int]:
    return dict.fromkeys(KEYS, each), [each * len(KEYS)], each * len(KEYS)


NOTHING: tuple[dict[str, int], list[int], int] = ({}, [], 0)


async def test_transactions_that_are_run_again_count_once(database: Database) -> None:
    async with worker(database, "one", TwiceStore) as one:
        await one.hold()
        await one.read(views(3))
        await one.ledger.save()
        assert stored(database) == whole(3)
        await one.ledger.rewrite(KEYS[:1], lambda connection: delete_states(connection, KEYS[:1]))
        await one.read(views(4))
        await one.ledger.save()
        assert stored(database) == (dict.fromkeys(KEYS, 4) | {KEYS[0]: 1}, [32], 32)
        await one.ledger.give_back([0])
        await one.ledger.leave()
    async with worker(database, "other", TwiceStore) as other:
        await other.hold()
        assert await other.read(views(4)) == 0


async def save_unheard(one: Worker, log: Sequence[LoggedEvent]) -> None:
    """Reads the log and saves it, without hearing that it was saved."""
    assert isinstance(one.store, SilentStore)
    await one.hold()
    await one.read(log)
    one.store.silent = True
    with pytest.raises(UnavailableError):
        await one.ledger.save()
    one.store.silent = False


async def test_a_save_of_which_nothing_was_heard_counts_once(database: Database) -> None:
    async with worker(database, "one", SilentStore) as one:
        await save_unheard(one, views(3))
        await one.ledger.save()
        assert stored(database) == whole(3)
        await one.read(views(5))
        await one.ledger.save()
        assert stored(database) == whole(5)


async def test_where_more_was_read_since_the_log_is_read_again_from_what_is_saved(database: Database) -> None:
    async with worker(database, "one", SilentStore) as one:
        await save_unheard(one, views(3))
        await one.read(views(5))
        with pytest.raises(LeaseLostError):
            await one.ledger.save()
        assert stored(database) == whole(3)
        await one.ledger.reset()
        await one.hold()
        assert await one.read(views(5)) == 2 * len(KEYS)
        await one.ledger.save()
        assert stored(database) == whole(5)


async def test_of_a_worker_that_was_away_nothing_is_saved(database: Database) -> None:
    async with worker(database, "slow") as slow, worker(database, "quick") as quick:
        await slow.hold(SHORT)
        await slow.read(views(3))
        await asyncio.sleep(0.05)
        await quick.hold()
        with pytest.raises(LeaseLostError):
            await slow.ledger.save()
        assert stored(database) == NOTHING
        await quick.read(views(3))
        await quick.ledger.save()
        assert stored(database) == whole(3)
        await slow.ledger.reset()
        assert (await slow.ledger.find(KEYS))[0].keys() == set(KEYS)
        assert slow.ledger.statistics.row(1) == quick.ledger.statistics.row(1)


async def test_what_is_erased_elsewhere_does_not_come_back_from_memory(database: Database) -> None:
    erased = KEYS[0]
    async with worker(database, "one") as one, worker(database, "other") as other:
        await one.hold()
        await one.read(views(3))
        await one.ledger.save()
        await other.ledger.read_offsets()
        assert await other.ledger.rewrite([erased], lambda connection: delete_states(connection, [erased])) == 1
        await one.read(views(5))
        with pytest.raises(LeaseLostError):
            await one.ledger.save()
        await one.ledger.reset()
        await one.hold()
        await one.read(views(5))
        await one.ledger.save()
        counts, _, offsets = stored(database)
        assert (counts, offsets) == (dict.fromkeys(KEYS, 5) | {erased: 2}, 40)


async def test_two_who_share_the_partitions_save_the_whole(database: Database) -> None:
    async with worker(database, "one") as one, worker(database, "other") as other:
        await one.hold()
        await other.hold()
        surplus = (await one.ledger.renew(PARTITIONS, LONG, "")).surplus
        await one.ledger.give_back(surplus)
        await other.hold()
        assert one.ledger.held.keys() | other.ledger.held.keys() == set(range(PARTITIONS))
        for each in (3, 4, 9):
            await one.read(views(each))
            await other.read(views(each))
            await other.ledger.save()
            await one.ledger.save()
        assert stored(database) == whole(9)
