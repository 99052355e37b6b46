import re
from collections.abc import Iterable

from google.protobuf.message import Message

from cli.importer.faults import Fault, shown
from cli.importer.rejects import Rejects
from cli.importer.summary import FileSummary
from services.common.progress import Task

# "events[3].visitor.user_id", "updates[3].item.price": place in the batch, and the rest.
ELEMENT = re.compile(r"\w+\[(\d+)\]\.?(?:item\.|user\.)?(.*)")


class Report:
    """Takes down what becomes of the rows of one file.

    Args:
        summary: what is counted.
        rejects: where rejected rows are written down.
        task: counts the rows that are done with.
    """

    def __init__(self, summary: FileSummary, rejects: Rejects, task: Task) -> None:
        self.summary = summary
        self._rejects = rejects
        self._task = task

    def answered(self, rows: int, outcome: str) -> None:
        """The services answered for so many rows."""
        if not rows:
            return
        self.summary.sent += rows
        self.summary.outcomes[outcome] += rows
        self._task.advance(rows)

    def checked(self, rows: int) -> None:
        """So many rows would have been sent."""
        self.summary.outcomes["checked"] += rows
        self._task.advance(rows)

    def left_out(self, rows: int) -> None:
        """So many rows do not go on."""
        self._task.advance(rows)

    def faulty(self, faults: Iterable[Fault]) -> None:
        """Some rows, all of whose faults these are, are rejected."""
        lines = set()
        for fault in faults:
            self._rejects.add(self.summary.kind, self.summary.file, fault)
            self.summary.reasons[fault.reason] += 1
            lines.add(fault.line)
        self.summary.rejected += len(lines)

    def refused(self, line: int, message: Message, field: str, reason: str, description: str) -> None:
        """A service rejected a row.

        Args:
            line: where the row begins.
            message: what was sent.
            field: the field at fault, as a path from the request or from the message.
            reason: the service's reason.
            description: what is wrong and what to do about it.
        """
        element = ELEMENT.fullmatch(field)
        path = element[2] if element else field
        self.faulty([Fault(line, path, value_at(message, path), reason, description)])
        self._task.advance(1)


def place_of(field: str) -> int | None:
    """The place in a batch that a field's path from the request names; None: it names none."""
    element = ELEMENT.fullmatch(field)
    return int(element[1]) if element else None


def value_at(message: Message, path: str) -> str:
    """What stands at a path of names, for a person; empty where the path leads nowhere."""
    value: object = message
    for name in ("item", "user"):
        if name in message.DESCRIPTOR.fields_by_name:
            value = getattr(message, name)
    for name in path.split("."):
        if isinstance(value, Message) and name in value.DESCRIPTOR.fields_by_name:
            value = getattr(value, name)
        else:
            return ""
    return "" if isinstance(value, Message) else shown(value)
