import asyncio
import contextlib
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import grpc
import structlog

from services.common.channels import answers_of
from services.common.clock import Clock
from services.common.errors import UnavailableError, VitrineError
from services.common.rpc_status import from_rpc_error
from services.features.materializer.leases import LeaseLostError
from services.features.materializer.ledger import Ledger
from services.features.materializer.parked_events import Place, PoisonEventError, SpoiledError
from services.features.metrics import FeatureMetrics
from vitrine.events.v1.event_service_pb2 import GetLogStatusRequest, PartitionOffset, TailEventsRequest


class LogAge:
    """For how long the log was not read to its end: how old what was made of it may be."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._caught_up = False
        self._caught_up_time: datetime | None = None

    def note(self, *, caught_up: bool) -> None:
        """Notes whether the end of the log is reached and followed."""
        if caught_up or self._caught_up:
            self._caught_up_time = self._clock.now()
        self._caught_up = caught_up

    def __call__(self) -> timedelta:
        """Returns the age: 0 while the log is followed; the greatest there is before it ever was."""
        if self._caught_up:
            return timedelta()
        return timedelta.max if self._caught_up_time is None else self._clock.now() - self._caught_up_time


if TYPE_CHECKING:
    from vitrine.events.v1.event_service_pb2_grpc import EventServiceAsyncStub

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0
STATUS_TIMEOUT_SECONDS: Final = 5.0
SAVING_SHARE: Final = 4.0
"""After a save, this many times its duration passes before the next one: saving takes a fifth of the time at the most,
and a single click is still saved within milliseconds."""

ATTEMPTS: Final = 3
"""How often an event is tried before it's parked."""

RENEWALS: Final = 3
"""Renewals in the time of a lease: two may come too late."""


class Materializer:
    """Follows those partitions of the event log that this worker holds, hands their stretches to the ledger, and has
    the ledger saved.

    If the log is gone it tries again, ever more slowly, and `fault` says why; what is known is served meanwhile.
    """

    def __init__(
        self,
        ledger: Ledger,
        metrics: FeatureMetrics,
        *,
        batch_size: int,
        max_unsaved: int,
        lease_seconds: float,
        earlier_names: str,
        log_age: LogAge,
    ) -> None:
        """`earlier_names` begins the names that this worker had before it was started again."""
        self._ledger = ledger
        self._metrics = metrics
        self._batch_size = batch_size
        self._max_unsaved = max_unsaved
        self._lease_seconds = lease_seconds
        self._earlier_names = earlier_names
        self._log_age = log_age
        self._log = structlog.get_logger("vitrine.features.materializer")
        self._tasks: list[asyncio.Task[None]] = []
        self._lost = asyncio.Event()
        self._attempts: dict[Place, int] = {}
        """How often events could not be applied that may be yet."""
        self.caught_up = False
        self.fault = "the log has not been reached yet"

    def start(self, events: "EventServiceAsyncStub") -> None:
        """Begins to follow the log."""
        self._tasks = [asyncio.create_task(self._keep_following(events)), asyncio.create_task(self._keep_saving())]

    async def stop(self) -> None:
        """Stops following, saves what was applied, and lets others go on at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            # Where the store is gone too, or the lease, the log is read again from where it was saved.
            with contextlib.suppress(UnavailableError, LeaseLostError, SpoiledError):
                await self._ledger.leave()
        self._tasks = []

    def read_again(self) -> None:
        """Has what is stored read again, and the log from there: somebody else has made it anew."""
        self._lost.set()

    async def _keep_following(self, events: "EventServiceAsyncStub") -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            self._note(caught_up=False)
            began = time.perf_counter()
            try:
                await self._follow(events)
            except LeaseLostError:
                self._log.info("another worker took over, or a user's history was changed: reading again what is saved")
                self._ledger.parking.clear()
                self._attempts.clear()
                await self._reset()
                continue
            except PoisonEventError as poison:
                fault = await self._set_aside(poison)
                if (poison.event.partition, poison.event.offset) not in self._attempts:
                    pause = FIRST_PAUSE_SECONDS  # it's parked: the next one is tried as soon
            except grpc.aio.AioRpcError as error:
                fault = f"the log cannot be read: {from_rpc_error(error).message}"
            except VitrineError as error:
                fault = error.message
            except Exception:  # noqa: BLE001  # the loop outlives a bug; what was not applied is read again
                self._log.exception("a stretch of the log could not be applied")
                fault = "a stretch of the log could not be applied; see the log of this service"
                await self._reset()
            if time.perf_counter() - began > LONGEST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self._note(caught_up=False)
            if fault != self.fault:
                self._log.warning("the tail is down", fault=fault)
            self.fault = fault
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _follow(self, events: "EventServiceAsyncStub") -> None:
        """Holds a share of the partitions and follows it, until something fails."""
        partitions = len(await _log_ends(events))
        await self._renew(partitions)
        while True:
            # Asked after the leases were taken: whoever had them before may have read on until then.
            self._refuse_another_log(await _log_ends(events))
            tail = asyncio.create_task(self._tail(events))
            try:
                surplus = await self._hold(tail, partitions)
            finally:
                tail.cancel()
                await asyncio.gather(tail, return_exceptions=True)
            if surplus:
                await self._ledger.give_back(surplus)

    async def _hold(self, tail: "asyncio.Task[None]", partitions: int) -> list[int]:
        """Renews the leases while the tail runs. Returns when the share changes, with the partitions to give back."""
        held = set(self._ledger.held)
        lost = asyncio.create_task(self._lost.wait())
        try:
            while True:
                await asyncio.wait(
                    {tail, lost}, timeout=self._lease_seconds / RENEWALS, return_when=asyncio.FIRST_COMPLETED
                )
                if lost.done():
                    raise LeaseLostError
                if tail.done():
                    tail.result()
                    raise UnavailableError("the log ended its stream", reason="LOG_ENDED")
                surplus = await self._renew(partitions)
                if surplus or set(self._ledger.held) != held:
                    return surplus
        finally:
            lost.cancel()

    async def _renew(self, partitions: int) -> list[int]:
        share = await self._ledger.renew(partitions, round(self._lease_seconds * 1_000), self._earlier_names)
        return share.surplus

    async def _set_aside(self, poison: PoisonEventError) -> str:
        """Drops what may be counted of an event, and parks it if it failed before; returns what to say of it."""
        place = poison.event.partition, poison.event.offset
        attempts = self._attempts[place] = self._attempts.get(place, 0) + 1
        self._log.error("an event can't be applied", fault=str(poison), attempt=attempts, exc_info=poison.__cause__)
        await self._reset()
        if attempts < ATTEMPTS:
            return f"an event can't be applied: {poison}; tried {attempts} of {ATTEMPTS} times"
        self._ledger.park(poison, attempts)
        del self._attempts[place]
        return f"an event can't be applied, and is parked: {poison}"

    async def _reset(self) -> None:
        """Reads again what is saved. Whatever was applied since may be half an event: it's never gone on with."""
        while True:
            try:
                await self._ledger.reset()
            except UnavailableError as error:
                self._log.warning("the store cannot be read", error=error.message)
                await asyncio.sleep(LONGEST_PAUSE_SECONDS)
            else:
                self._lost.clear()
                return

    def _refuse_another_log(self, ends: dict[int, int]) -> None:
        for partition in self._ledger.held:
            applied, end = self._ledger.offsets[partition], ends[partition]
            if applied > end:
                raise UnavailableError(
                    f"partition {partition} of the log ends at {end}, but {applied} events of it were applied: it is "
                    "another log; set VITRINE_FEATURES_EVENTS_ADDRESS to the right one, or begin with an empty store",
                    reason="LOG_REPLACED",
                )

    async def _tail(self, events: "EventServiceAsyncStub") -> None:
        if not self._ledger.held:
            self._note(caught_up=True)
            self.fault = ""
            await asyncio.Event().wait()  # others do all there is to do; the next renewal may bring a share
        request = TailEventsRequest(follow=True, batch_size=self._batch_size)
        offsets = self._ledger.offsets
        begin = [PartitionOffset(partition=partition, offset=offsets[partition]) for partition in self._ledger.held]
        getattr(request, "from").extend(begin)  # a keyword of Python's
        async with answers_of(events.TailEvents(request)) as responses:
            async for response in responses:
                applied = await self._ledger.apply(response.events, response.next_offsets)
                self._metrics.applied(applied)
                self._note(caught_up=response.caught_up)
                self.fault = ""
                if self._ledger.unsaved_events >= self._max_unsaved:
                    await self._ledger.save()

    def _note(self, *, caught_up: bool) -> None:
        self.caught_up = caught_up
        self._log_age.note(caught_up=caught_up)

    async def _keep_saving(self) -> None:
        while True:
            await self._ledger.changed.wait()
            began = time.perf_counter()
            try:
                await self._ledger.save()
            except SpoiledError:
                self._ledger.changed.clear()  # whoever met the event drops what isn't saved
                continue
            except LeaseLostError:
                self._lost.set()
                self._ledger.changed.clear()
                continue
            except UnavailableError as error:
                self._log.warning("states cannot be saved", error=error.message)
                await asyncio.sleep(LONGEST_PAUSE_SECONDS)
                continue
            except Exception:  # noqa: BLE001  # the loop outlives a bug; what was not saved is tried again
                self._log.exception("states cannot be saved")
                await asyncio.sleep(LONGEST_PAUSE_SECONDS)
                continue
            seconds = time.perf_counter() - began
            self._metrics.saved(seconds)
            self._metrics.parked(self._ledger.parking.take_saved_count())
            await asyncio.sleep(SAVING_SHARE * seconds)


async def _log_ends(events: "EventServiceAsyncStub") -> dict[int, int]:
    """Returns the offset of the next event of each partition of the log."""
    status = await events.GetLogStatus(GetLogStatusRequest(), timeout=STATUS_TIMEOUT_SECONDS)
    return {end.partition: end.offset for end in status.end_offsets}
