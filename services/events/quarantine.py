from typing import Final

from services.common.clock import Clock
from services.common.paging import PageTokens, page_size
from services.common.signing import Signer
from services.common.timestamps import millis_to_timestamp, to_millis
from services.events.cleaning.event_cleaner import EventCleaner
from services.events.cleaning.event_clock import EventClock
from services.events.digests import DIGEST_BYTES, reason_digest
from services.events.group_commit import GroupCommitter
from services.events.read_pool import ReadPool
from services.events.storage.operations import AppendEvents, AppendOutcome
from services.events.storage.quarantine_reader import QuarantinedEvent, QuarantineReader
from services.events.storage.records import NewEvent
from vitrine.events.v1 import event_service_pb2 as pb
from vitrine.events.v1.event_pb2 import Event

_DEFAULT_PAGE: Final = 100
_MAX_PAGE: Final = 1_000


class Quarantine:
    """Lists rejected events, and appends those that have become valid to the log.

    InvalidArgumentError for a bad size or token.
    """

    def __init__(
        self,
        reader: QuarantineReader,
        pool: ReadPool,
        cleaner: EventCleaner,
        committer: GroupCommitter,
        *,
        clock: Clock,
        signer: Signer,
    ) -> None:
        self._reader = reader
        self._pool = pool
        self._cleaner = cleaner
        self._committer = committer
        self._clock = clock
        self._tokens: PageTokens[tuple[int, bytes]] = PageTokens(signer, "events.quarantine", f"q{DIGEST_BYTES}s")

    async def listed(self, request: pb.ListQuarantinedEventsRequest) -> pb.ListQuarantinedEventsResponse:
        """Lists events, oldest first."""
        found, token = await self._page(request.reason, request.page_size, request.page_token)
        return pb.ListQuarantinedEventsResponse(events=map(_quarantined, found), next_page_token=token)

    async def replay(self, request: pb.ReplayQuarantinedEventsRequest) -> pb.ReplayQuarantinedEventsResponse:
        """Cleans events again, by today's rules and as of their arrival; durable on return.

        Valid events leave the quarantine in the transaction that appends them; the others stay unchanged.
        """
        found, token = await self._page(request.reason, request.page_size, request.page_token)
        now_millis = to_millis(self._clock.now())
        valid: list[NewEvent] = []
        released: list[bytes] = []
        for each in found:
            record = self._cleaner.clean(Event.FromString(each.payload), EventClock(each.ingest_millis))
            if isinstance(record, NewEvent):
                # It joins the log now: offsets follow the ingest time.
                valid.append(record._replace(ingest_millis=now_millis))
                released.append(each.rejection_key)
        outcomes = await self._committer.submit(AppendEvents(valid, released=released)) if valid else []
        return pb.ReplayQuarantinedEventsResponse(
            stored_count=outcomes.count(AppendOutcome.STORED),
            duplicate_count=outcomes.count(AppendOutcome.DUPLICATE),
            not_kept_count=outcomes.count(AppendOutcome.REFUSED),
            rejected_count=len(found) - len(valid),
            next_page_token=token,
        )

    async def _page(self, reason: str, wanted: int, page_token: str) -> tuple[list[QuarantinedEvent], str]:
        # A token is only valid for the reason it was made for.
        list_key = reason_digest(reason)
        size = page_size(wanted, default=_DEFAULT_PAGE, largest=_MAX_PAGE)
        after = self._tokens.read(page_token, list_key)
        found = await self._pool.run(self._reader.list, reason, size + 1, after)
        if len(found) <= size:
            return found, ""
        last = found[size - 1]
        return found[:size], self._tokens.make(list_key, (last.ingest_millis, last.rejection_key))


def _quarantined(each: QuarantinedEvent) -> pb.QuarantinedEvent:
    return pb.QuarantinedEvent(
        event=Event.FromString(each.payload),
        ingest_time=millis_to_timestamp(each.ingest_millis),
        reason=each.reason,
        field=each.field,
        description=each.description,
    )
