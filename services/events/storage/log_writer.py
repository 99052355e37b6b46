from collections.abc import Sequence
from typing import Any

from services.common.database import Database
from services.events.storage.append import append_events, append_pages
from services.events.storage.erasure import erase_visitor
from services.events.storage.operations import AppendEvents, AppendPages, EraseVisitor, Operation


class LogWriter:
    """The one way to change the log. Blocks: it lives on the writer's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def apply(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Carries out all or none of `operations` in one transaction, erasures last.

        Returns their results in order, durable. What many calls bring is appended together.
        """
        with self._database.begin() as connection:
            stored = iter(append_events(connection, [each for each in operations if isinstance(each, AppendEvents)]))
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
                    case _:
                        raise TypeError(f"the log has no operation {type(operation).__name__}")
        return results
