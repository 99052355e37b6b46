from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from services.common.database import Database
from services.events.storage.append import append_events, append_pages
from services.events.storage.erasure import erase_visitor, set_refusal
from services.events.storage.operations import AppendEvents, AppendPages, EraseVisitor, Operation, SetRefusal
from services.events.storage.partition_heads import hold_heads


class LogWriter:
    """The only way to change the log. Blocks: it runs in the writer thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def apply(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Applies all or none of `operations` in one transaction, erasures and refusals last.

        Returns their results in order, durable. The events of all operations are appended together. If the transaction
        has to be repeated, whatever of it was committed counts as duplicates.
        """
        # Pages and rejections have no head row: another process may write the same one between our look and our insert.
        # `write` looks again, and finds it.
        results = self._database.write(lambda connection: _apply(connection, operations))
        if any(_erased(operation, result) for operation, result in zip(operations, results, strict=True)):
            self._database.erase_traces()
        return results


def _apply(connection: Connection, operations: Sequence[Operation[Any]]) -> list[Any]:
    # Lock all heads first, at once and in order: no deadlock with another writer, and on MySQL, which may show a
    # transaction the store as of its first read, no read precedes the lock.
    held = hold_heads(connection, _partitions(operations))
    stored = iter(append_events(connection, [each for each in operations if isinstance(each, AppendEvents)], held))
    logged = iter(append_pages(connection, [each for each in operations if isinstance(each, AppendPages)]))
    results: list[Any] = []
    for operation in operations:
        match operation:
            case AppendEvents():
                results.append(next(stored))
            case AppendPages():
                results.append(next(logged))
            case EraseVisitor():
                results.append(erase_visitor(connection, operation))
            case SetRefusal():
                results.append(set_refusal(connection, operation))
            case _:
                raise TypeError(f"the log has no operation {type(operation).__name__}")
    return results


def _erased(operation: Operation[Any], result: Any) -> bool:
    """Returns whether an operation erased rows."""
    match operation:
        case EraseVisitor():
            return bool(result.events or result.pages or result.rejections)
        case SetRefusal():
            return bool(result)
    return False


def _partitions(operations: Sequence[Operation[Any]]) -> set[int]:
    partitions: set[int] = set()
    for operation in operations:
        if isinstance(operation, AppendEvents):
            partitions.update(event.partition for event in operation.events)
        elif isinstance(operation, EraseVisitor | SetRefusal):
            partitions.add(operation.partition)
    return partitions
