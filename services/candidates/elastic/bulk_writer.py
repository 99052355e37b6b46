import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.candidates.elastic.cluster import Cluster
from services.common.errors import UnavailableError

# What the client recommends as a request's body at the most; a server takes a hundred times as much.
_BYTES: Final = 1 << 20
_TRIES: Final = 5
_REFUSED: Final = 400
# Nothing was there to be deleted; the index has a newer version.
_DONE_ALREADY: Final = (404, 409)
_WRONG: Final = 400


@dataclass(frozen=True, slots=True)
class Operation:
    """What is to become of an item's document, as the lines of a bulk request."""

    item_no: int
    lines: bytes

    @classmethod
    def of(cls, item_no: int, action: Mapping[str, Any], document: Mapping[str, Any] | None = None) -> "Operation":
        """Returns the operation of an action such as {"delete": {…}}."""
        parts = [action] if document is None else [action, document]
        lines = "\n".join(json.dumps(part, ensure_ascii=False, separators=(",", ":")) for part in parts)
        return cls(item_no, lines.encode())


class BulkWriter:
    """Writes documents into an index, whatever their number and size. One that the index refuses is told to `refused`,
    and the others go on; where the index has no room for some at the moment it waits and tries these again, each time
    twice as long.
    """

    def __init__(self, cluster: Cluster, refused: Callable[[str], None], *, pause_seconds: float = 0.5) -> None:
        self._cluster = cluster
        self._refused = refused
        self._pause = pause_seconds

    async def write(self, name: str, operations: Iterable[Operation]) -> None:
        """Writes all; raises UnavailableError where the index takes some of them neither now nor later."""
        left, why = list(operations), ""
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(self._pause * 2 ** (attempt - 1))
            left, why = await self._try_all(name, left)
            if not left:
                return
        raise UnavailableError(
            f"Elasticsearch does not take {len(left)} items: {why}", reason="ELASTICSEARCH_TAKES_NOTHING"
        )

    async def _try_all(self, name: str, operations: Iterable[Operation]) -> tuple[list[Operation], str]:
        """Writes each once; returns what is to be tried again, and why."""
        again: list[Operation] = []
        why = ""
        for part in _parts(operations):
            failed, cause = await self._try(name, part)
            again += failed
            why = cause or why
        return again, why

    async def _try(self, name: str, operations: list[Operation]) -> tuple[list[Operation], str]:
        """Writes a request once; returns what is to be tried again, and why."""
        # Lines that are made already are sent as they are, which the client's types do not say.
        lines: list[Any] = [operation.lines for operation in operations]
        answer = await self._cluster.work(lambda client: client.bulk(index=name, operations=lines))
        again, why = [], ""
        for operation, outcome in zip(operations, answer["items"], strict=True):
            result = next(iter(outcome.values()))
            status = result["status"]
            if status == _REFUSED:
                self._refused(f"item {operation.item_no}: {_cause(result)}")
            elif status >= _WRONG and status not in _DONE_ALREADY:
                again.append(operation)
                why = _cause(result)
        return again, why


def _parts(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Yields the operations in requests of a size; one that is longer alone is a request of its own."""
    part: list[Operation] = []
    size = 0
    for operation in operations:
        if part and size + len(operation.lines) > _BYTES:
            yield part
            part, size = [], 0
        part.append(operation)
        size += len(operation.lines) + 1
    if part:
        yield part


def _cause(result: Mapping[str, Any]) -> str:
    error = result.get("error", {})
    inner = error.get("caused_by", {}).get("reason", "")
    return f"{error.get('reason', 'refused')}{': ' + inner if inner else ''}"
