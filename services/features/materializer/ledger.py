import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from sqlalchemy import Connection, delete

from services.common.clock import Clock
from services.common.errors import VitrineError
from services.common.timestamps import to_millis
from services.common.visitors import anonymous_key, partition_of, user_key
from services.features.catalog.catalog import Catalog
from services.features.definitions.item_statistics import ItemStatistics
from services.features.definitions.observation import observe
from services.features.definitions.user_state import UserState
from services.features.materializer import leases, parked_events
from services.features.materializer.leases import LeaseLostError, Share
from services.features.materializer.parked_events import PoisonEventError, SpoiledError
from services.features.materializer.parking import Parking
from services.features.materializer.snapshot import Snapshot
from services.features.materializer.user_states import UserStates, read_states, state_row
from services.features.statistics import stored_statistics
from services.features.store.store import Store
from services.features.store.tables import REBUILT_STATES, USER_STATES
from services.features.users.users import Users
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_service_pb2 import LoggedEvent, PartitionOffset

SLICE: Final = 250
"""Events that are applied, or rows that are made, before other calls get their turn: some milliseconds."""

STATES_PER_SLICE: Final = 25
"""The same for states that are written out: a heavy user's takes 0.1 ms."""

T = TypeVar("T")


class Ledger:
    """What events made of users and items, and how far into the log that is.

    Of the partitions that this worker holds, events are applied in memory and seen by readers at once. `save` writes
    states, statistics and offsets in one transaction; after a crash whoever holds the partition then reads the log
    again from the saved offset, so each event counts once. Belongs to the event loop.
    """

    def __init__(
        self, store: Store, catalog: Catalog, users: Users, clock: Clock, *, worker: str, cached_users: int
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._users = users
        self._clock = clock
        self._worker = worker
        self._saving = asyncio.Lock()
        self._saved_offsets: dict[int, int] = {}
        self.held: dict[int, int] = {}
        """The epochs under which this worker may save, by partition."""
        self.states = UserStates(store, cached_users, self.holds)
        self.statistics = ItemStatistics()
        self.offsets: dict[int, int] = {}
        """Of each partition, the offset of the next event: to apply, or where another worker holds it, to be saved."""
        self.lock = asyncio.Lock()
        self.unsaved_events = 0
        self.changed = asyncio.Event()
        """Set while something is not saved."""
        self.parking = Parking()
        self._spoiled = False
        """Something may hold half an event: nothing is saved before `reset`."""

    async def load(self) -> None:
        """Reads statistics and offsets into memory."""
        self.offsets = await self._store.read(leases.read_offsets)
        for row in await self._store.read(stored_statistics.read_rows):
            self.statistics.learn(row)

    def saved_offsets(self) -> dict[int, int]:
        """Returns of each partition the offset of the next event that is not saved."""
        return self.offsets | self._saved_offsets

    def holds(self, key: str) -> bool:
        """Returns whether this worker applies the visitor's events."""
        return bool(self.offsets) and partition_of(key, len(self.offsets)) in self.held

    async def find(self, keys: Collection[str]) -> tuple[dict[str, UserState], dict[int, int]]:
        """Returns the states of those of the visitors who have one, in their order, and of each partition the offset of
        the next event that is not in them. Both go on with the log once the caller awaits something.
        """
        while True:
            held = dict(self.held)
            own = {key for key in keys if self.holds(key)}
            others = sorted(set(keys) - own)
            # Whoever holds those may have saved more than was heard of: states and offsets are of one snapshot.
            stored, saved = await self._store.read(partial(_read_stored, keys=others)) if others else ({}, {})
            states = await self.states.find_all(own)
            if self.held == held:
                states |= {key: UserState.from_bytes(data) for key, data in stored.items()}
                offsets = self.offsets | {no: offset for no, offset in saved.items() if no not in held}
                return {key: states[key] for key in keys if key in states}, offsets

    async def apply(self, events: Sequence[LoggedEvent], next_offsets: Iterable[PartitionOffset]) -> int:
        """Counts a stretch of the log; events that were counted before are passed over. Returns how many were new.

        Raises PoisonEventError if an event can't be counted: then `reset`, since something of it may be counted.
        """
        async with self.lock:
            fresh = [event for event in events if event.offset >= self.offsets.get(event.partition, 0)]
            keys = [self._key_of(event) for event in fresh]
            states = await self._prepare(fresh, keys)
            pairs = iter(zip(fresh, keys, strict=True))
            while chunk := list(islice(pairs, SLICE)):
                for event, key in chunk:
                    self._count(event, key, states)
                await asyncio.sleep(0)
            for end in next_offsets:
                self.offsets[end.partition] = max(end.offset, self.offsets.get(end.partition, 0))
            return len(fresh)

    def _key_of(self, event: LoggedEvent) -> str:
        """Returns whose state an event changes; empty: nobody's, or it's passed over."""
        key = state_key(event, self._users)
        return "" if key and self.parking.passes(event, key, to_millis(self._clock.now())) else key

    async def _prepare(self, events: Sequence[LoggedEvent], keys: Sequence[str]) -> dict[str, UserState]:
        """Numbers the events' items and returns the states that they change."""
        try:
            await self._number_items(events)
            return await self.states.find_all({key for key in keys if key})
        except VitrineError:
            raise
        except Exception:
            # Which one is it? Most often a state that somebody else's program wrote.
            for event, key in zip(events, keys, strict=True):
                await self._prepare_one(event, key)
            raise

    async def _prepare_one(self, event: LoggedEvent, key: str) -> None:
        try:
            await self._number_items([event])
            await self.states.find_all({key} - {""})
        except VitrineError:
            raise
        except Exception as error:
            raise PoisonEventError(event, key, error, unreadable=True) from error

    def _count(self, event: LoggedEvent, key: str, states: dict[str, UserState]) -> None:
        """Counts one event and moves the offset past it; nothing can come between the two."""
        if key:
            try:
                item_no = self._catalog.item_no(event.event.item_id) if event.event.item_id else 0
                observation = observe(event.event, item_no or 0)
                state = states.get(key)
                if state is None:
                    state = states[key] = UserState()
                self.statistics.apply(state.apply(observation))
            except Exception as error:
                self._spoiled = True
                raise PoisonEventError(event, key, error, unreadable=False) from error
            self.states.changed(key, state)
        self.offsets[event.partition] = event.offset + 1
        self.unsaved_events += 1
        self.changed.set()

    def park(self, poison: PoisonEventError, attempts: int) -> None:
        """Has an event passed over when it's read again, and written down together with the offset behind it."""
        self.parking.plan(poison, attempts, to_millis(self._clock.now()))

    async def _number_items(self, events: Iterable[LoggedEvent]) -> None:
        ids = {event.event.item_id for event in events if not event.erased}
        unknown = [item_id for item_id in ids if item_id and self._catalog.item_no(item_id) is None]
        if unknown:
            await self._catalog.reserve(unknown, self._clock.now())

    async def save(self) -> None:
        """Writes all that changed, in one transaction; events go on being applied while the database works.

        Raises LeaseLostError where this worker may not save any more what it applied, and SpoiledError if half an event
        may be in it: then `reset`.
        """
        async with self._saving:
            async with self.lock:
                snapshot = await self._snapshot()
            await self._write(snapshot)

    async def rewrite(self, keys: Collection[str], work: Callable[[Connection], T]) -> T:
        """Changes stored states of visitors by `work`, in one transaction, and returns what it returns. What `work`
        deletes is gone from the disk then.

        All that is applied is saved before; who else holds the visitors' partitions reads the log again from there.
        """
        async with self._saving, self.lock:
            # If the lease is lost there is nothing to save: this worker is about to read again what is stored.
            with contextlib.suppress(LeaseLostError, SpoiledError):
                await self._write(await self._snapshot())
            partitions = {partition_of(key, len(self.offsets)) for key in keys} if self.offsets else set()

            def fenced(connection: Connection) -> tuple[dict[int, int], T]:
                return leases.fence(connection, partitions), work(connection)

            epochs, result = await self._store.erase(fenced)
            self.held |= {no: epoch for no, epoch in epochs.items() if no in self.held}
            self.states.forget(keys)
            self.parking.forget_visitors(keys)
        return result

    async def renew(self, partitions: int, millis: int, before: str) -> Share:
        """Renews the leases and adopts what is new; the surplus is to be given back once nothing applies it.

        Raises LeaseLostError where another one took what this worker held: then `reset`.
        """
        async with self._saving:
            held = dict(self.held)
            share = await self._store.write(
                lambda connection: leases.renew(
                    connection, self._worker, held, partitions=partitions, millis=millis, before=before
                )
            )
            async with self.lock:
                for no, lease in share.leases.items():
                    if no not in self.held:
                        self.held[no] = lease.epoch
                        self.offsets[no] = self._saved_offsets[no] = lease.next_offset
                for no in range(partitions):
                    self.offsets.setdefault(no, 0)
        return share

    async def give_back(self, partitions: Collection[int]) -> None:
        """Saves, and lets others have these partitions. Nothing may apply them any more."""
        await self.save()
        async with self._saving, self.lock:
            for no in partitions:
                self.held.pop(no, None)
                self._saved_offsets.pop(no, None)
            self.states.clear()
            await self._store.write(lambda connection: leases.release(connection, self._worker, partitions))

    async def leave(self) -> None:
        """Saves and gives everything back."""
        await self.save()
        self.held.clear()
        await self._store.write(lambda connection: leases.leave(connection, self._worker))

    async def reset(self) -> None:
        """Drops what was applied and not saved, and all leases: as if this worker had just been started."""
        async with self._saving, self.lock:
            unsaved = sorted(self.statistics.take_unsaved())
            self.held.clear()
            self._saved_offsets.clear()
            self.states.clear()
            self.parking.forget_passed()
            self._spoiled = False
            self.unsaved_events = 0
            self.changed.clear()
            self.offsets = await self._store.read(leases.read_offsets)
            for row in await self._store.read(lambda connection: stored_statistics.read_rows_of(connection, unsaved)):
                self.statistics.learn(row)

    async def catch_up(self, statistics_version: int) -> None:
        """Learns what other workers saved, up to a version of the statistics at least."""
        async with self._saving:
            known = self.statistics.version
            if statistics_version > known:
                for row in await self._store.read(lambda connection: stored_statistics.read_rows(connection, known)):
                    self.statistics.learn(row)
        await self.read_offsets()

    async def read_offsets(self) -> None:
        """Learns how far other workers have saved."""
        if len(self.held) < len(self.offsets) or not self.offsets:
            for no, offset in (await self._store.read(leases.read_offsets)).items():
                if no not in self.held:
                    self.offsets[no] = offset

    async def _snapshot(self) -> Snapshot:
        """Takes down what is not saved yet. Hold `lock`: states and offsets belong together."""
        if self._spoiled:
            raise SpoiledError
        states = []
        for key, state in self.states.begin_save().items():
            states.append(state_row(key, state))
            if len(states) % STATES_PER_SLICE == 0:
                await asyncio.sleep(0)
        rows = []
        for item_no in self.statistics.unsaved():
            rows.append(self.statistics.row(item_no))
            if len(rows) % SLICE == 0:
                await asyncio.sleep(0)
        # Nothing is given up before this point: if the caller is canceled, the next snapshot has it all.
        snapshot = Snapshot(
            worker=self._worker,
            held=dict(self.held),
            saved_offsets=dict(self._saved_offsets),
            offsets={no: self.offsets[no] for no in self.held},
            states=states,
            statistics=rows,
            parked=self.parking.due({no: self.offsets[no] for no in self.held}),
            bases=self.statistics.take_unsaved(),
            statistics_version=self.statistics.version,
        )
        self.unsaved_events = 0
        self.changed.clear()
        return snapshot

    async def _write(self, snapshot: Snapshot) -> None:
        try:
            changes = await self._store.write(snapshot.write)
        except BaseException:
            # Canceled or failed: the next save takes it along. If it was committed all the same, that one finds
            # offsets that it does not expect, and the lease counts as lost.
            self.statistics.put_back(snapshot.bases)
            self.changed.set()
            raise
        self._saved_offsets |= snapshot.offsets
        self.states.saved()
        self.parking.saved(snapshot.parked)
        for item_no, version in changes.versions.items():
            self.statistics.stored(item_no, version)
        for row in changes.rows:
            self.statistics.learn(row)


def _read_stored(connection: Connection, keys: list[str]) -> tuple[dict[str, bytes], dict[int, int]]:
    return read_states(connection, keys), leases.read_offsets(connection)


def key_of(visitor: Visitor) -> str:
    """Returns a visitor's key as `visitor_key` does, unchecked: the log's visitors are valid."""
    return user_key(visitor.user_id) if visitor.user_id else anonymous_key(visitor.anonymous_id)


def state_key(event: LoggedEvent, users: Users) -> str:
    """Returns whose state an event changes; empty: nobody's. A visitor's own, merged or not."""
    if event.erased or event.flags:
        return ""
    key = key_of(event.event.visitor)
    return "" if users.is_restricted(users.resolve(key)) else key


def delete_states(connection: Connection, keys: Sequence[str]) -> int:
    """Deletes states, those that a rebuild is making too, and parked events; returns how many states there were."""
    parked_events.unpark_visitors(connection, keys)
    connection.execute(delete(REBUILT_STATES).where(REBUILT_STATES.c.visitor_key.in_(keys)))
    return connection.execute(delete(USER_STATES).where(USER_STATES.c.visitor_key.in_(keys))).rowcount
