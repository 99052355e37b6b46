"""What the writer can be asked to do. Each operation is durable, whole or not at all, once its result is there."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from services.events.storage.records import NewEvent, NewPage, NewRejection, Receipt

ResultT = TypeVar("ResultT")


class Fate(Enum):
    """What became of an event that was fit for the log."""

    STORED = auto()
    KNOWN = auto()
    REFUSED = auto()
    """Its visitor does not allow it to be kept."""


class Operation(ABC, Generic[ResultT]):
    """One wish, with the type of its result."""

    __slots__ = ()

    @property
    @abstractmethod
    def weight(self) -> int:
        """How many rows it brings, at least 1: queue and group are bounded by it."""


@dataclass(frozen=True, slots=True)
class AppendEvents(Operation[list[Fate]]):
    """Appends events; the result says what became of each. Rejected ones go to the quarantine.

    Nothing is kept of visitors who refuse, in the quarantine either.

    Events that come from there name their places in `released`, one each: they leave it as they are appended. One that
    is not there any more, because its user was erased, say, is not appended.
    """

    events: Sequence[NewEvent]
    rejections: Sequence[NewRejection] = ()
    released: Sequence[bytes] = ()

    @property
    def weight(self) -> int:
        return max(1, len(self.events) + len(self.rejections))


@dataclass(frozen=True, slots=True)
class AppendPages(Operation[int]):
    """Logs pages; the result is how many were new."""

    pages: Sequence[NewPage]

    @property
    def weight(self) -> int:
        return max(1, len(self.pages))


@dataclass(frozen=True, slots=True)
class SetRefusal(Operation[int]):
    """Notes that nothing may be kept of a visitor, and erases what is; or that it may be again. The result is how many
    rows were erased.
    """

    visitor_key: bytes
    partition: int
    refused: bool

    @property
    def weight(self) -> int:
        return 1


@dataclass(frozen=True, slots=True)
class EraseVisitor(Operation[Receipt]):
    """Erases a visitor. Where `erasure_key` was used before, the result is the receipt of that time."""

    visitor_key: bytes
    partition: int
    erasure_key: bytes
    receipt_id: str
    delete_millis: int

    @property
    def weight(self) -> int:
        return 1
