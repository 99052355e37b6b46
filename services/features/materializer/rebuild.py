import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final, NamedTuple

from services.common.errors import AbortedError, FailedPreconditionError, UnavailableError
from services.features.catalog.catalog import Catalog
from services.features.definitions.item_statistics import ItemStatistics
from services.features.definitions.observation import observe
from services.features.definitions.user_state import UserState
from services.features.event_log import EventLog
from services.features.materializer import rebuilt
from services.features.materializer.ledger import SLICE, state_key
from services.features.materializer.materializer import Materializer
from services.features.materializer.parked_events import Place, read_places
from services.features.materializer.rebuilt import Outcome
from services.features.store.store import Store
from services.features.users.users import Users
from vitrine.events.v1.event_service_pb2 import LoggedEvent, TailEventsResponse

ATTEMPTS: Final = 200
"""How often it reads on if the workers were ahead of it at the end, or a user's history was erased meanwhile."""


class RebuildProgress(NamedTuple):
    """How far a rebuild is."""

    read_events: int
    all_events: int


@dataclass(slots=True)
class _Made:
    """What a rebuild has made so far, but for the states, which are in the store."""

    offsets: dict[int, int]
    parked: set[Place]
    """Events that the workers pass over: the rebuild tries them again."""

    statistics: ItemStatistics = field(default_factory=ItemStatistics)
    item_nos: set[int] = field(default_factory=set)
    recovered: set[Place] = field(default_factory=set)
    """Those of `parked` that could be applied."""


class Rebuild:
    """Makes all states and statistics anew from the log, beside those that are served, and swaps them as a whole."""

    def __init__(self, store: Store, catalog: Catalog, users: Users, log: EventLog, materializer: Materializer) -> None:
        self._store = store
        self._catalog = catalog
        self._users = users
        self._log = log
        self._materializer = materializer

    async def run(self, *, from_kept: bool) -> AsyncIterator[RebuildProgress]:
        """Yields how far it is; it is done when this ends. What was there before is served until then.

        If the log's beginning is no longer kept, raises FailedPreconditionError (LOG_DROPPED), unless the states are
        to be made `from_kept` events alone. Raises AbortedError (REBUILD_ELSEWHERE) where another rebuild began, and
        UnavailableError (REBUILD_BEHIND) if it cannot catch up with the workers.
        """
        starts, ends = await self._log.start_offsets(), await self._log.end_offsets()
        if any(starts.values()) and not from_kept:
            raise FailedPreconditionError(
                "the beginning of the log is no longer kept: a rebuild would lose what only the present features know "
                "of it; rebuild from the kept events alone (--from-kept), if that is wanted",
                reason="LOG_DROPPED",
            )
        await self._store.write(partial(rebuilt.begin, offsets=starts))
        made = _Made(dict(starts), await self._store.read(read_places))
        for _ in range(ATTEMPTS):
            epochs = await self._store.read(rebuilt.read_epochs)
            outcome = Outcome.DONE
            async with aclosing(self._log.stretches(made.offsets)) as stretches:
                async for stretch in stretches:
                    outcome = await self._take(stretch, made, epochs)
                    if outcome is not Outcome.DONE:
                        break
                    read = sum(made.offsets.values()) - sum(starts.values())
                    yield RebuildProgress(read, max(read, sum(ends.values()) - sum(starts.values())))
            if outcome is Outcome.DONE:
                outcome = await self._swap(made, epochs)
            if outcome is Outcome.DONE:
                self._materializer.read_again()
                return
            if outcome is Outcome.ELSEWHERE:
                raise AbortedError("another rebuild began meanwhile; wait for that one", reason="REBUILD_ELSEWHERE")
        raise UnavailableError(
            "the workers were ahead of the rebuild each time; run it again when fewer events come in",
            reason="REBUILD_BEHIND",
        )

    async def _take(self, stretch: TailEventsResponse, made: _Made, epochs: Mapping[int, int]) -> Outcome:
        """Counts a stretch of the log and keeps what it makes; takes it back if that is not to be."""
        events = [(event, key) for event in stretch.events if (key := state_key(event, self._users))]
        states = await self._store.read(partial(rebuilt.read_states, keys=sorted({key for _, key in events})))
        rest = iter(events)
        while chunk := list(islice(rest, SLICE)):
            for event, key in chunk:
                self._count(event, key, states, made)
            await asyncio.sleep(0)
        ends = {place.partition: place.offset for place in stretch.next_offsets}
        keep = partial(rebuilt.keep, states=states, found=dict(made.offsets), ends=ends, epochs=epochs)
        outcome = await self._store.write(keep)
        counted = made.statistics.take_unsaved()
        if outcome is Outcome.DONE:
            made.offsets |= ends
            made.item_nos |= counted.keys()
        else:
            for row in counted.values():
                made.statistics.learn(row)
        return outcome

    def _count(self, event: LoggedEvent, key: str, states: dict[str, UserState], made: _Made) -> None:
        item_no = self._catalog.item_no(event.event.item_id) if event.event.item_id else 0
        state = states.get(key) or UserState()
        place = event.partition, event.offset
        if place not in made.parked:
            try:
                made.statistics.apply(state.apply(observe(event.event, item_no or 0)))
            except Exception as error:
                raise AbortedError(
                    f"the event at offset {event.offset} of partition {event.partition} can't be applied; the workers "
                    "park it, as `vitrine features parked` shows: then run the rebuild again",
                    reason="EVENT_NOT_APPLICABLE",
                ) from error
        else:
            state = UserState.from_bytes(state.to_bytes())  # if it fails again, nothing of it is counted
            try:
                tallies = state.apply(observe(event.event, item_no or 0))
            except Exception:  # noqa: BLE001  # it was parked for that
                return
            made.statistics.apply(tallies)
            made.recovered.add(place)
        states[key] = state

    async def _swap(self, made: _Made, epochs: Mapping[int, int]) -> Outcome:
        rows = [made.statistics.row(item_no) for item_no in sorted(made.item_nos)]
        return await self._store.write(
            partial(
                rebuilt.swap,
                offsets=dict(made.offsets),
                statistics=rows,
                epochs=epochs,
                recovered=sorted(made.recovered),
            )
        )
