"""Where time comes from. Everything that needs the time is handed a Clock, or the moment itself."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Returns the present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock; made in composition roots only."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  # the one place that reads the clock


class FixedClock:
    """A clock that stands still until it is told to go on: for tests and for replays."""

    def __init__(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise ValueError("the moment has no time zone; give an aware datetime")
        self._moment = moment.astimezone(UTC)

    def now(self) -> datetime:
        return self._moment

    def advance(self, step: timedelta) -> None:
        """Moves the clock by `step`."""
        self._moment += step
