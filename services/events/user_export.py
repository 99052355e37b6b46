import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from services.common.timestamps import from_millis
from services.common.visitors import visitor_key
from services.events.digests import visitor_digest
from services.events.logged_event import fill_logged_event
from services.events.read_pool import ReadPool
from services.events.storage.quarantine_reader import QuarantinedEvent
from services.events.storage.user_reader import UserEvent, UserPage, UserReader
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import Event
from vitrine.events.v1.event_service_pb2 import LoggedEvent, PageRecord

_LINES_A_PART: Final = 200
RowT = TypeVar("RowT")


class UserExport:
    """Streams all that the log holds of a visitor as JSON Lines, events first, a few hundred lines a part."""

    def __init__(self, reader: UserReader, pool: ReadPool) -> None:
        self._reader = reader
        self._pool = pool

    async def run(self, visitor: Visitor) -> AsyncIterator[bytes]:
        """Yields parts of whole lines. Raises InvalidArgumentError for a bad visitor."""
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
        while rows := await self._pool.run(read, key, _LINES_A_PART, after):
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
