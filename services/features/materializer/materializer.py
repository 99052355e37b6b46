import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

import grpc
import structlog

from services.common.errors import UnavailableError, VitrineError
from services.common.rpc_status import from_rpc_error
from services.common.streams import answers_of
from services.features.materializer.ledger import Ledger
from services.features.metrics import FeatureMetrics
from vitrine.events.v1.event_service_pb2 import GetLogStatusRequest, PartitionOffset, TailEventsRequest

if TYPE_CHECKING:
    from vitrine.events.v1.event_service_pb2_grpc import EventServiceAsyncStub

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0
STATUS_TIMEOUT_SECONDS: Final = 5.0
SAVING_SHARE: Final = 4.0
"""After a save, this many times its duration passes before the next one: saving takes a fifth of the time at the most,
and a single click is still saved within milliseconds."""


class Materializer:
    """Follows the event log, hands its stretches to the ledger, and has the ledger saved.

    Where the log is gone it tries again, ever more slowly, and `fault` says why; what is known is served meanwhile.
    """

    def __init__(self, ledger: Ledger, batch_size: int, max_unsaved: int, metrics: FeatureMetrics) -> None:
        self._ledger = ledger
        self._batch_size = batch_size
        self._max_unsaved = max_unsaved
        self._metrics = metrics
        self._log = structlog.get_logger("vitrine.features.materializer")
        self._tasks: list[asyncio.Task[None]] = []
        self.caught_up = False
        self.fault = "the log has not been reached yet"

    def start(self, events: "EventServiceAsyncStub") -> None:
        """Begins to follow the log."""
        self._tasks = [asyncio.create_task(self._keep_following(events)), asyncio.create_task(self._keep_saving())]

    async def stop(self) -> None:
        """Stops following and saves what was applied."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            # Where the store is gone too, the log is read again at the next start.
            with contextlib.suppress(UnavailableError):
                await self._ledger.save()
        self._tasks = []

    async def _keep_following(self, events: "EventServiceAsyncStub") -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            self.caught_up = False
            began = time.perf_counter()
            try:
                await self._follow(events)
                fault = "the log ended its stream"
            except grpc.aio.AioRpcError as error:
                fault = f"the log cannot be read: {from_rpc_error(error).message}"
            except VitrineError as error:
                fault = error.message
            except Exception:  # noqa: BLE001  # the loop outlives a bug; what was not applied is read again
                self._log.exception("an event could not be applied")
                fault = "an event could not be applied; see the log of this service"
            if time.perf_counter() - began > LONGEST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            if fault != self.fault:
                self._log.warning("the tail is down", fault=fault)
            self.fault = fault
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _follow(self, events: "EventServiceAsyncStub") -> None:
        status = await events.GetLogStatus(GetLogStatusRequest(), timeout=STATUS_TIMEOUT_SECONDS)
        begin = []
        for end in status.end_offsets:
            applied = self._ledger.offsets.get(end.partition, 0)
            if applied > end.offset:
                raise UnavailableError(
                    f"partition {end.partition} of the log ends at {end.offset}, but {applied} events of it were "
                    "applied: it is another log; set VITRINE_FEATURES_EVENTS_ADDRESS to the right one, or begin with "
                    "an empty store",
                    reason="LOG_REPLACED",
                )
            begin.append(PartitionOffset(partition=end.partition, offset=applied))
        request = TailEventsRequest(follow=True, batch_size=self._batch_size)
        getattr(request, "from").extend(begin)  # a keyword of Python's
        async with answers_of(events.TailEvents(request)) as responses:
            async for response in responses:
                applied = await self._ledger.apply(response.events, response.next_offsets)
                self._metrics.applied(applied)
                self.caught_up, self.fault = response.caught_up, ""
                if self._ledger.unsaved_events >= self._max_unsaved:
                    await self._ledger.save()

    async def _keep_saving(self) -> None:
        while True:
            await self._ledger.changed.wait()
            began = time.perf_counter()
            try:
                await self._ledger.save()
            except UnavailableError as error:
                self._log.warning("states cannot be saved", error=error.message)
                await asyncio.sleep(LONGEST_PAUSE_SECONDS)
                continue
            seconds = time.perf_counter() - began
            self._metrics.saved(seconds)
            await asyncio.sleep(SAVING_SHARE * seconds)
