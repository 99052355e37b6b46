import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from services.common.background import ChangeSignal
from services.common.errors import ResourceExhaustedError, UnavailableError
from services.events.storage.operations import Operation, ResultT

# Measured with 16 callers of one event each on 2 cores: groups grow from 6 to 14, and throughput by a fifth.
_LINGER_SECONDS: Final = 0.004


@dataclass(frozen=True, slots=True)
class _Waiting:
    operation: Operation[Any]
    result: asyncio.Future[Any]


class GroupCommitter:
    """Commits the operations of many calls in few transactions.

    One thread writes. While it waits for the disk, operations queue up; then it takes all that are waiting, up to
    `max_group` rows, as the next transaction: the more callers, the larger the groups, and a lone caller never waits.
    `apply` carries out a group atomically; `committed` is called on the event loop with the number of events and pages
    that the group added to the log, if any.
    Operations are idempotent. If a group fails because of one of them, each is tried by itself.
    """

    def __init__(
        self,
        apply: Callable[[Sequence[Operation[Any]]], list[Any]],
        *,
        max_waiting: int,
        max_group: int,
        committed: Callable[[int], None],
    ) -> None:
        self._apply = apply
        self._max_waiting = max_waiting
        self._max_group = max_group
        self._committed = committed
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._waiting_rows = 0
        self._last_group = 1
        self._settled = ChangeSignal()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._log: Final = structlog.get_logger("vitrine.events")

    def start(self) -> None:
        """Starts the writer thread; call it on the event loop that will submit."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="event-log-writer", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Writes what was submitted so far, then ends the thread."""
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def submit(self, operation: Operation[ResultT]) -> asyncio.Future[ResultT]:
        """Queues the operation; the future has its result once it's durable.

        Raises ResourceExhaustedError if the queue is full. The future raises UnavailableError if the store failed.
        Then, or after a cancellation, the operation may or may not have been applied; submitting it again is harmless.
        """
        if self._thread is None or self._loop is None:
            raise UnavailableError("the event log is not open; try again in a moment", reason="LOG_NOT_OPEN")
        if self._waiting_rows >= self._max_waiting:
            raise ResourceExhaustedError(
                f"{self._waiting_rows} events are waiting for the store; try again in a second, with fewer callers or "
                "larger batches, or use ImportEvents, which paces itself",
                reason="LOG_BUSY",
            )
        self._waiting_rows += operation.weight
        result: asyncio.Future[ResultT] = self._loop.create_future()
        self._queue.put(_Waiting(operation, result))
        return result

    async def room(self) -> None:
        """Returns once the queue is less than half full. Callers that can wait do so right before `submit`."""
        while 2 * self._waiting_rows >= self._max_waiting:
            await self._settled.wait()

    def _run(self) -> None:
        going = True
        while going:
            first = self._queue.get()
            if first is None:
                return
            group, going = self._take_group(first)
            outcomes = self._carry_out(group)
            assert self._loop is not None  # noqa: S101  # `start` set it before the thread was there
            self._loop.call_soon_threadsafe(self._settle, group, outcomes)

    def _take_group(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """Returns `first` and the operations queued after it, and whether there may be more.

        The callers of the last group are about to return: the thread waits a moment for as many operations.
        """
        group, rows = [first], first.operation.weight
        until = time.perf_counter() + _LINGER_SECONDS
        while rows < self._max_group:
            try:
                if len(group) < self._last_group:
                    waiting = self._queue.get(timeout=max(0.0, until - time.perf_counter()))
                else:
                    waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                return group, False
            group.append(waiting)
            rows += waiting.operation.weight
        self._last_group = len(group)
        return group, True

    def _carry_out(self, group: Sequence[_Waiting]) -> list[Any]:
        """Returns a result or an exception for each of `group`."""
        try:
            return self._apply([waiting.operation for waiting in group])
        except (OperationalError, InterfaceError) as error:
            self._log.error("store failed", operations=len(group), exc_info=error)
            return [_store_unavailable() for _ in group]
        except Exception as error:  # noqa: BLE001  # the thread must survive; callers get the error
            if len(group) > 1:
                return [outcome for waiting in group for outcome in self._carry_out([waiting])]
            self._log.error("write failed", operation=type(group[0].operation).__name__, exc_info=error)
            return [error]

    def _settle(self, group: Sequence[_Waiting], outcomes: Sequence[Any]) -> None:
        appended = 0
        for waiting, outcome in zip(group, outcomes, strict=True):
            self._waiting_rows -= waiting.operation.weight
            if not isinstance(outcome, Exception):
                appended += waiting.operation.appended(outcome)
            if waiting.result.done():
                continue
            if isinstance(outcome, Exception):
                waiting.result.set_exception(outcome)
                waiting.result.exception()  # retrieved, even if the caller has left
            else:
                waiting.result.set_result(outcome)
        self._settled.notify()
        if appended:
            self._committed(appended)


def _store_unavailable() -> UnavailableError:
    return UnavailableError("the event log's store can't be written; try again", reason="STORE_UNAVAILABLE")
