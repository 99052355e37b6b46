"""Leaves something alone that fails again and again, so that waiting for it costs nothing."""

from collections.abc import Callable


class Breaker:
    """Opens after `failures` in a row; after `open_seconds` one trial is let through, and its outcome decides.

    `monotonic` tells seconds.
    """

    def __init__(self, failures: int, open_seconds: float, monotonic: Callable[[], float]) -> None:
        self._failures = failures
        self._open_seconds = open_seconds
        self._monotonic = monotonic
        self._failed = 0
        self._open_until = 0.0

    @property
    def closed(self) -> bool:
        """Whether everything is let through."""
        return self._failed < self._failures

    @property
    def open(self) -> bool:
        """Whether nothing is let through at present. An open breaker whose time is over awaits its trial."""
        return not self.closed and self._monotonic() < self._open_until

    def allows(self) -> bool:
        """Returns whether to try now. Whoever is let through says afterwards how it went."""
        if self.closed:
            return True
        if self.open:
            return False
        self._open_until = self._monotonic() + self._open_seconds  # the others wait for this trial
        return True

    def succeeded(self) -> None:
        """Closes the breaker."""
        self._failed = 0

    def failed(self) -> None:
        """Counts a failure."""
        self._failed += 1
        if not self.closed:
            self._open_until = self._monotonic() + self._open_seconds
