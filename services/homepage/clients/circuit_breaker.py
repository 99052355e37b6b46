"""Keeps a dead dependency from costing every page its seconds."""

from collections.abc import Callable


class CircuitBreaker:
    """Opens after `threshold` failures in a row; lets one call through to try when `cooldown` seconds have passed.

    Each failed try doubles the wait, up to `longest_cooldown` seconds; a success closes it.
    """

    def __init__(
        self,
        elapsed_clock: Callable[[], float],
        *,
        threshold: int = 3,
        cooldown: float = 1.0,
        longest_cooldown: float = 5.0,
    ) -> None:
        self._clock = elapsed_clock
        self._threshold = threshold
        self._cooldown = cooldown
        self._longest = longest_cooldown
        self._failures = 0
        self._wait = cooldown
        self._next_try = 0.0

    @property
    def open(self) -> bool:
        """Whether calls are refused at present."""
        return self._failures >= self._threshold and self._clock() < self._next_try

    def allow(self) -> bool:
        """Returns whether a call may go out; the one that may try again keeps the others back meanwhile."""
        if self._failures < self._threshold:
            return True
        if self.open:
            return False
        self._next_try = self._clock() + self._wait
        return True

    def succeeded(self) -> None:
        """Notes an answer, of whatever kind: the dependency lives."""
        self._failures = 0
        self._wait = self._cooldown

    def failed(self) -> None:
        """Notes that there was no answer."""
        self._failures += 1
        if self._failures < self._threshold:
            return
        if self._failures > self._threshold:
            self._wait = min(self._wait * 2, self._longest)
        self._next_try = self._clock() + self._wait
