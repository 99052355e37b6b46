"""What visitors may ask of the log: keep nothing of them, export what is kept, erase it."""

import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from services.common.clock import Clock
from services.common.consent import is_personal
from services.common.timestamps import from_millis, millis_to_timestamp, to_millis
from services.common.validation import Violations
from services.common.visitors import erasure_digest, partition_of, visitor_key
from services.events.digests import visitor_digest
from services.events.group_commit import GroupCommitter
from services.events.logged_event import fill_logged_event
from services.events.read_pool import ReadPool
from services.events.storage.operations import EraseVisitor, SetRefusal
from services.events.storage.quarantine_reader import QuarantinedEvent
from services.events.storage.user_reader import UserEvent, UserPage, UserReader
from vitrine.common.v1.visitor_pb2 import Consent, Visitor
from vitrine.events.v1.consent_pb2 import SetConsentRequest, SetConsentResponse
from vitrine.events.v1.event_pb2 import Event
from vitrine.events.v1.event_service_pb2 import DeleteUserRequest, DeleteUserResponse, LoggedEvent, PageRecord


class UserConsent:
    """Sets whose events and pages may be kept."""

    def __init__(self, committer: GroupCommitter, partitions: int) -> None:
        self._committer = committer
        self._partitions = partitions

    async def set(self, request: SetConsentRequest) -> SetConsentResponse:
        """Returns once it's durable. Raises InvalidArgumentError for an invalid visitor or an unknown consent."""
        key = visitor_key(request.visitor)
        violations = Violations()
        if request.consent not in Consent.values():
            violations.add("consent", f"is {request.consent}; send a value of Consent", reason="CONSENT_UNKNOWN")
        violations.raise_if_any("The consent was not set")
        partition = partition_of(key, self._partitions)
        await self._committer.submit(
            SetRefusal(visitor_digest(key), partition, refused=not is_personal(request.consent))
        )
        return SetConsentResponse()


_LINES_PER_PART: Final = 200
RowT = TypeVar("RowT")


class UserExport:
    """Streams everything the log holds about a visitor as JSON Lines, events first, a few hundred lines per part."""

    def __init__(self, reader: UserReader, pool: ReadPool) -> None:
        self._reader = reader
        self._pool = pool

    async def run(self, visitor: Visitor) -> AsyncIterator[bytes]:
        """Yields parts, each of complete lines. Raises InvalidArgumentError for an invalid visitor."""
        key = visitor_digest(visitor_key(visitor))
        reader = self._reader
        for parts in (
            self._parts(key, reader.events, lambda last: (last.event_millis, last.stored.offset), _event_line),
            self._parts(key, reader.rejections, lambda last: last.rejection_key, _rejection_line),
            self._parts(key, reader.pages, lambda last: (last.serve_millis, last.page_key), _page_line),
        ):
            async for part in parts:
                yield part

    async def _parts(
        self,
        key: bytes,
        read: Callable[[bytes, int, Any], Sequence[RowT]],
        place: Callable[[RowT], object],
        line: Callable[[RowT], dict[str, Any]],
    ) -> AsyncIterator[bytes]:
        after: object = None
        while rows := await self._pool.run(read, key, _LINES_PER_PART, after):
            yield await self._pool.run(_json_lines, map(line, rows))
            after = place(rows[-1])


def _json_lines(objects: Iterable[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in objects).encode()


def _event_line(row: UserEvent) -> dict[str, Any]:
    logged = LoggedEvent()
    fill_logged_event(logged, row.stored)
    return {"kind": "event", **_fields(logged)}


def _rejection_line(row: QuarantinedEvent) -> dict[str, Any]:
    return {
        "kind": "quarantined_event",
        "reason": row.reason,
        "field": row.field,
        "description": row.description,
        "ingest_time": from_millis(row.ingest_millis).isoformat(),
        "event": _fields(Event.FromString(row.payload)),
    }


def _page_line(row: UserPage) -> dict[str, Any]:
    return {"kind": "page", **_fields(PageRecord.FromString(row.payload))}


def _fields(message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return fields


class UserErasure:
    """Erases visitors from the log."""

    def __init__(self, committer: GroupCommitter, clock: Clock, partitions: int) -> None:
        self._committer = committer
        self._clock = clock
        self._partitions = partitions

    async def run(self, request: DeleteUserRequest) -> DeleteUserResponse:
        """Returns the receipt once the erasure is durable, or the earlier receipt if the `request_id` was used before.

        Raises InvalidArgumentError for an invalid visitor or request id.
        """
        key = visitor_key(request.visitor)
        if request.request_id:
            violations = Violations()
            violations.identifier("request_id", request.request_id)
            violations.raise_if_any("Nothing was erased")
        receipt_id = uuid.uuid4().hex
        receipt = await self._committer.submit(
            EraseVisitor(
                visitor_key=visitor_digest(key),
                partition=partition_of(key, self._partitions),
                erasure_key=erasure_digest(key, request.request_id or receipt_id),
                receipt_id=receipt_id,
                delete_millis=to_millis(self._clock.now()),
            )
        )
        return DeleteUserResponse(
            receipt_id=receipt.receipt_id,
            deleted_event_count=receipt.events,
            deleted_page_count=receipt.pages,
            deleted_quarantine_count=receipt.rejections,
            delete_time=millis_to_timestamp(receipt.delete_millis),
        )
