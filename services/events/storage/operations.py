"""The write operations of the log. Each is atomic, and durable once its result is there."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from services.events.storage.records import NewEvent, NewPage, NewRejection, Receipt

ResultT = TypeVar("ResultT")


class AppendOutcome(Enum):
    """What happened to a valid event."""

    STORED = auto()
    DUPLICATE = auto()
    REFUSED = auto()
    """The visitor doesn't allow it to be kept."""


class Operation(ABC, Generic[ResultT]):
    """A write operation, with the type of its result."""

    __slots__ = ()

    @property
    @abstractmethod
    def weight(self) -> int:
        """The number of rows it brings, at least 1: queues and groups are bounded by it."""

    def appended(self, result: ResultT) -> int:
        """Returns how many events and pages the operation added to the log, given its result."""
        return 0


@dataclass(frozen=True, slots=True)
class AppendEvents(Operation[list[AppendOutcome]]):
    """Appends events; the result has an outcome for each. Rejected ones go to the quarantine.

    Nothing is kept of visitors who refuse, not even in the quarantine.

    Events that come from the quarantine name their keys there in `released`, one each, and leave it as they're
    appended. One that is no longer there, for example because its user was erased, isn't appended.
    """

    events: Sequence[NewEvent]
    rejections: Sequence[NewRejection] = ()
    released: Sequence[bytes] = ()

    @property
    def weight(self) -> int:
        return max(1, len(self.events) + len(self.rejections))

    def appended(self, result: list[AppendOutcome]) -> int:
        return result.count(AppendOutcome.STORED)


@dataclass(frozen=True, slots=True)
class AppendPages(Operation[int]):
    """Logs pages; the result is how many were new."""

    pages: Sequence[NewPage]

    @property
    def weight(self) -> int:
        return max(1, len(self.pages))

    def appended(self, result: int) -> int:
        return result


@dataclass(frozen=True, slots=True)
class SetRefusal(Operation[int]):
    """Sets whether a visitor refuses to have anything kept; a refusal erases what is kept. The result is the number of
    erased rows.
    """

    visitor_key: bytes
    partition: int
    refused: bool

    @property
    def weight(self) -> int:
        return 1


@dataclass(frozen=True, slots=True)
class EraseVisitor(Operation[Receipt]):
    """Erases a visitor. If `erasure_key` was used before, the result is the earlier receipt."""

    visitor_key: bytes
    partition: int
    erasure_key: bytes
    receipt_id: str
    delete_millis: int

    @property
    def weight(self) -> int:
        return 1
