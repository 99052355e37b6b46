from datetime import datetime, timedelta

from services.common.clock import Clock


class LogAge:
    """For how long the log was not read to its end: how old what was made of it may be."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._caught_up = False
        self._caught_up_time: datetime | None = None

    def note(self, *, caught_up: bool) -> None:
        """Notes whether the end of the log is reached and followed."""
        if caught_up or self._caught_up:
            self._caught_up_time = self._clock.now()
        self._caught_up = caught_up

    def __call__(self) -> timedelta:
        """Returns the age: 0 while the log is followed; the greatest there is before it ever was."""
        if self._caught_up:
            return timedelta()
        return timedelta.max if self._caught_up_time is None else self._clock.now() - self._caught_up_time
