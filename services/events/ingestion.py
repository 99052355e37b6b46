import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.common.clock import Clock
from services.common.consent import is_personal
from services.common.timestamps import to_millis
from services.common.validation import check_batch
from services.events.cleaning.event_cleaner import EventCleaner, rejection
from services.events.cleaning.event_clock import EventClock
from services.events.cleaning.event_fields import Fault
from services.events.group_commit import GroupCommitter
from services.events.storage.operations import AppendEvents, AppendOutcome
from services.events.storage.records import NewEvent, NewRejection
from vitrine.events.v1.event_pb2 import Event
from vitrine.events.v1.event_service_pb2 import EventResult, EventStatus

MAX_BATCH: Final = 1_000
MAX_IMPORT_BATCH: Final = 5_000

# Cleaning takes about 10 µs per event; other calls run in between.
_SLICE: Final = 250
STATUSES: Final = {
    AppendOutcome.STORED: EventStatus.EVENT_STATUS_STORED,
    AppendOutcome.DUPLICATE: EventStatus.EVENT_STATUS_DUPLICATE,
    AppendOutcome.REFUSED: EventStatus.EVENT_STATUS_NOT_KEPT,
}


@dataclass(frozen=True, slots=True)
class PendingBatch:
    """A batch that is being written."""

    events: Sequence[Event]
    cleaned: Sequence[NewEvent | NewRejection | None]
    """None if the visitor doesn't allow the event to be kept."""
    stored: asyncio.Future[list[AppendOutcome]]
    counted: Callable[[str, int], None]

    async def results(self) -> list[EventResult]:
        """Returns a result for each event, in order, once they're durable; raises as the future of `submit`."""
        outcomes = iter(await self.stored)
        results = []
        for index, (event, record) in enumerate(zip(self.events, self.cleaned, strict=True)):
            if isinstance(record, NewRejection):
                results.append(_rejected(index, event, record))
            else:
                status = STATUSES[next(outcomes) if record else AppendOutcome.REFUSED]
                results.append(EventResult(status=status, event_id=event.event_id))
        for status, count in Counter(result.status for result in results).items():
            self.counted(EventStatus.Name(status).removeprefix("EVENT_STATUS_"), count)
        return results


class Ingestion:
    """Appends batches of events to the log. `counted` is called with a status ("STORED") and its number of events."""

    def __init__(
        self, cleaner: EventCleaner, committer: GroupCommitter, clock: Clock, counted: Callable[[str, int], None]
    ) -> None:
        self._cleaner = cleaner
        self._committer = committer
        self._clock = clock
        self._counted = counted

    async def begin(self, events: Sequence[Event], limit: int = MAX_BATCH, *, patient: bool = False) -> PendingBatch:
        """Cleans `events` in place and queues them for the log.

        A `patient` caller waits for room in the queue instead of being refused.
        Raises InvalidArgumentError for an empty batch and for one of more than `limit`, otherwise as `submit`.
        """
        check_batch("events", events, limit)
        cleaned = await self._clean(events)
        new_events = [each for each in cleaned if isinstance(each, NewEvent)]
        rejections = [each for each in cleaned if isinstance(each, NewRejection)]
        if patient:
            await self._committer.room()
        stored = self._committer.submit(AppendEvents(new_events, rejections))
        return PendingBatch(events, cleaned, stored, self._counted)

    async def _clean(self, events: Sequence[Event]) -> list[NewEvent | NewRejection | None]:
        clock = EventClock(to_millis(self._clock.now()))
        cleaned: list[NewEvent | NewRejection | None] = []
        for index, event in enumerate(events):
            if index and index % _SLICE == 0:
                await asyncio.sleep(0)
            if not is_personal(event.consent):
                cleaned.append(None)
                continue
            outcome = self._cleaner.clean(event, clock)
            if isinstance(outcome, Fault):
                cleaned.append(rejection(event, outcome, clock.ingest_millis))
            else:
                cleaned.append(outcome)
        return cleaned


def _rejected(index: int, event: Event, record: NewRejection) -> EventResult:
    return EventResult(
        status=EventStatus.EVENT_STATUS_REJECTED,
        event_id=event.event_id,
        reason=record.reason,
        field=f"events[{index}].{record.field}".removesuffix("."),
        description=record.description,
    )
