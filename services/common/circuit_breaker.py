from collections.abc import Callable


class CircuitBreaker:
    """Keeps what fails again and again from costing every caller its seconds. It opens after `threshold` failures in a
    row and lets one trial through when `cooldown` seconds have passed; whoever is let through says how it went.

    Each failed trial doubles the wait, up to `longest_cooldown` seconds; a success closes it.
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
        self._next_trial = 0.0

    @property
    def closed(self) -> bool:
        """Whether everything is let through."""
        return self._failures < self._threshold

    @property
    def open(self) -> bool:
        """Whether nothing is let through at present. One whose time is over awaits its trial."""
        return not self.closed and self._clock() < self._next_trial

    def allow(self) -> bool:
        """Returns whether to try now; the one that may keeps the others back meanwhile."""
        if self.closed:
            return True
        if self.open:
            return False
        self._next_trial = self._clock() + self._wait
        return True

    def succeeded(self) -> None:
        """Notes an answer, of whatever kind: the dependency lives."""
        self._failures = 0
        self._wait = self._cooldown

    def failed(self) -> None:
        """Notes that there was no answer."""
        self._failures += 1
        if self.closed:
            return
        if self._failures > self._threshold:
            self._wait = min(self._wait * 2, self._longest)
        self._next_trial = self._clock() + self._wait
