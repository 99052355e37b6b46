import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, delete, select

from services.common.clock import Clock
from services.common.visitors import anonymous_key, user_key
from services.features.catalog.catalog import Catalog
from services.features.definitions.item_statistics import ItemStatistics, ItemStatisticsRow, hash_visitor
from services.features.definitions.observation import observe
from services.features.definitions.user_state import UserState
from services.features.materializer.user_states import UserStates
from services.features.store.store import Store
from services.features.store.tables import CONSUMER_OFFSETS, ITEM_STATISTICS, USER_STATES
from services.features.store.upsert import upsert
from services.features.users.users import Users
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_service_pb2 import LoggedEvent, PartitionOffset

SLICE: Final = 250
"""Events that are applied, or rows that are made, before other calls get their turn: some milliseconds."""

STATES_PER_SLICE: Final = 25
"""The same for states that are written out: a heavy user's takes 0.1 ms."""

VERSIONS_PER_START: Final = 1 << 32
"""Statistics' versions that a crash took back must not be given out again: each start begins far above the last one."""


class Ledger:
    """What events made of users and items, and how far into the log that is.

    Events are applied in memory and seen by readers at once. `save` writes states, statistics and offsets in one
    transaction; after a crash the log is read again from the saved offsets, so each event counts once. Belongs to the
    event loop.
    """

    def __init__(self, store: Store, catalog: Catalog, users: Users, clock: Clock, cached_users: int) -> None:
        self._store = store
        self._catalog = catalog
        self._users = users
        self._clock = clock
        self._unsaved_items: set[int] = set()
        self._saving = asyncio.Lock()
        self.states = UserStates(store, cached_users)
        self.statistics = ItemStatistics()
        self.offsets: dict[int, int] = {}
        self.lock = asyncio.Lock()
        self.unsaved_events = 0
        self.changed = asyncio.Event()
        """Set while something is not saved."""

    async def load(self) -> None:
        """Reads statistics and offsets into memory."""
        self.offsets = await self._store.read(_read_offsets)
        self.statistics.load(await self._store.read(_read_statistics))
        self.statistics.version += VERSIONS_PER_START

    async def apply(self, events: Sequence[LoggedEvent], next_offsets: Iterable[PartitionOffset]) -> int:
        """Counts a stretch of the log; events that were counted before are passed over. Returns how many were new."""
        async with self.lock:
            fresh = [event for event in events if event.offset >= self.offsets.get(event.partition, 0)]
            await self._number_items(fresh)
            keys = [self._key(event) for event in fresh]
            states = await self.states.find_all({key for key in keys if key})
            pairs = iter(zip(fresh, keys, strict=True))
            while chunk := list(islice(pairs, SLICE)):
                for event, key in chunk:
                    self._count(event, key, states)
                self._unsaved_items.update(self.statistics.seal())
                await asyncio.sleep(0)
            for end in next_offsets:
                self.offsets[end.partition] = max(end.offset, self.offsets.get(end.partition, 0))
            return len(fresh)

    def _count(self, event: LoggedEvent, key: str, states: dict[str, UserState]) -> None:
        """Counts one event and moves the offset past it; nothing can come between the two."""
        if key:
            item_no = self._catalog.item_no(event.event.item_id) if event.event.item_id else 0
            observation = observe(event.event, item_no or 0)
            state = states.get(key)
            if state is None:
                state = states[key] = UserState()
            state.apply(observation)
            self.states.changed(key, state)
            self.statistics.apply(observation, hash_visitor(key))
        self.offsets[event.partition] = event.offset + 1
        self.unsaved_events += 1
        self.changed.set()

    def _key(self, event: LoggedEvent) -> str:
        """Returns whose state an event changes; empty: nobody's."""
        if event.erased or event.flags:
            return ""
        key = self._users.resolve(key_of(event.event.visitor))
        return "" if self._users.is_restricted(key) else key

    async def _number_items(self, events: Iterable[LoggedEvent]) -> None:
        ids = {event.event.item_id for event in events if not event.erased}
        unknown = [item_id for item_id in ids if item_id and self._catalog.item_no(item_id) is None]
        if unknown:
            await self._catalog.reserve(unknown, self._clock.now())

    async def save(self) -> None:
        """Writes all that changed, in one transaction; events go on being applied while the database works."""
        async with self._saving:
            async with self.lock:
                snapshot = await self._snapshot()
            await self._write(snapshot)

    @contextlib.asynccontextmanager
    async def settled(self) -> AsyncIterator[None]:
        """All is saved while the block runs, and nothing changes but by it: for who changes stored states."""
        async with self._saving, self.lock:
            await self._write(await self._snapshot())
            yield

    async def erase(self, keys: Iterable[str]) -> None:
        """Erases the states of users who no longer allow them to be kept."""
        erased = list(keys)
        async with self.settled():
            await self._store.write(lambda connection: delete_states(connection, erased))
            for key in erased:
                self.states.put(key, None)

    async def _snapshot(self) -> "_Snapshot":
        """Takes down what is not saved yet. Hold `lock`: states and offsets belong together."""
        self._unsaved_items.update(self.statistics.seal())
        states = []
        for key, state in self.states.begin_save().items():
            states.append({"visitor_key": key, "state": state.to_bytes()})
            if len(states) % STATES_PER_SLICE == 0:
                await asyncio.sleep(0)
        rows = []
        for item_no in self._unsaved_items:
            rows.append(self.statistics.row(item_no)._asdict())
            if len(rows) % SLICE == 0:
                await asyncio.sleep(0)
        # Nothing is given up before this point: where the caller is cancelled, the next snapshot has it all.
        snapshot = _Snapshot(states, rows, dict(self.offsets), self._unsaved_items)
        self._unsaved_items = set()
        self.unsaved_events = 0
        self.changed.clear()
        return snapshot

    async def _write(self, snapshot: "_Snapshot") -> None:
        try:
            await self._store.write(snapshot.write)
        except BaseException:
            # Cancelled or failed: the next save takes it along. That it may have been committed does no harm.
            self._unsaved_items |= snapshot.item_nos
            self.changed.set()
            raise
        self.states.saved()


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Rows that belong together."""

    states: list[dict[str, Any]]
    statistics: list[dict[str, Any]]
    offsets: dict[int, int]
    item_nos: set[int]

    def write(self, connection: Connection) -> None:
        """Writes all of it into one transaction."""
        offsets = [{"partition": no, "next_offset": offset} for no, offset in self.offsets.items()]
        upsert(connection, USER_STATES, self.states)
        upsert(connection, ITEM_STATISTICS, self.statistics)
        upsert(connection, CONSUMER_OFFSETS, offsets)


def key_of(visitor: Visitor) -> str:
    """Returns a visitor's key as `visitor_key` does, unchecked: the log's visitors are valid."""
    return user_key(visitor.user_id) if visitor.user_id else anonymous_key(visitor.anonymous_id)


def delete_states(connection: Connection, keys: Sequence[str]) -> int:
    """Deletes states; returns how many there were."""
    return connection.execute(delete(USER_STATES).where(USER_STATES.c.visitor_key.in_(keys))).rowcount


def _read_offsets(connection: Connection) -> dict[int, int]:
    return {row.partition: row.next_offset for row in connection.execute(select(CONSUMER_OFFSETS))}


def _read_statistics(connection: Connection) -> list[ItemStatisticsRow]:
    return [ItemStatisticsRow._make(row) for row in connection.execute(select(ITEM_STATISTICS))]
