from types import TracebackType
from typing import Protocol, Self


class Task(Protocol):
    """Something under way that can be counted. A context manager: leaving it ends the task."""

    def advance(self, count: int = 1) -> None:
        """Count `count` more done."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""


class Progress(Protocol):
    """Where long jobs say how far they are. A terminal draws bars; a service logs."""

    def task(self, name: str, total: int | None = None) -> Task:
        """Begin a task.

        Args:
            name: what is done, as in "reading events".
            total: how much there is to do; None: it is not known.
        """


class NoTask:
    """A task that nobody watches."""

    def advance(self, count: int = 1) -> None:
        """Count nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class NoProgress:
    """For jobs that nobody watches."""

    def task(self, name: str, total: int | None = None) -> NoTask:
        """A task that nobody watches."""
        return NoTask()
