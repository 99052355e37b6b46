from collections.abc import AsyncIterator, Callable

from google.protobuf.message import Message

from cli.importer.batches import Batch
from cli.importer.faults import Fault
from cli.importer.report import Report, value_at
from services.common.errors import FieldViolation
from services.common.validation import Violations
from services.common.visitors import check_visitor
from services.events.cleaning.event_fields import find_fault
from services.features.catalog.item_fault import item_fault
from services.features.store.attributes import attributes_fault
from vitrine.events.v1 import event_pb2
from vitrine.features.v1 import catalog_service_pb2, user_service_pb2

# Path of the field, reason, remedy.
Finding = tuple[str, str, str]


class Checker:
    """Stands in for a sender in a dry run: checks messages with the services' own rules and sends nothing.

    Args:
        check: finds what is wrong with a message.
        report: takes down what becomes of the rows.
    """

    def __init__(self, check: Callable[[Message], Finding | None], report: Report) -> None:
        self._check = check
        self._report = report

    async def send(self, batches: AsyncIterator[Batch[Message]]) -> None:
        """Checks all batches."""
        async for batch in batches:
            for line, message in zip(batch.lines, batch.messages, strict=True):
                finding = self._check(message)
                if finding is None:
                    self._report.checked(1)
                else:
                    field, reason, remedy = finding
                    self._report.faulty([Fault(line, field, value_at(message, field), reason, remedy)])
                    self._report.left_out(1)


def check_message(message: Message, *, partial: bool) -> Finding | None:
    """What a service would say is wrong with a message of an import, as far as that can be known without it.

    Args:
        message: an update of an item or a user, or an event.
        partial: the updates change some fields only: what the others are is not known here.
    """
    match message:
        case event_pb2.Event():
            fault = find_fault(message)
            return (fault.field, fault.reason, fault.description) if fault else None
        case catalog_service_pb2.ItemUpdate():
            return None if partial else _violation(item_fault(message.item, ""))
        case user_service_pb2.UserUpdate():
            violations = Violations()
            check_visitor(violations, message.user.visitor)
            return _violation(
                next(iter(violations.found), None) or attributes_fault("attributes", message.user.attributes)
            )
        case _:
            raise TypeError(type(message).__name__)


def _violation(violation: FieldViolation | None) -> Finding | None:
    return (violation.field, violation.reason, violation.description) if violation else None
