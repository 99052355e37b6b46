import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.common.deadlines import overdue


class CircuitBreaker:
    """Keeps a dependency that fails repeatedly from costing every caller its timeout.

    It opens after `threshold` failures in a row and lets one trial through after `cooldown` seconds. Each failed trial
    doubles the wait, up to `longest_cooldown` seconds; a success closes the breaker. Callers that were let through
    report the result, except those that were canceled: that says nothing about the dependency.
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
        """Whether every call is let through."""
        return self._failures < self._threshold

    @property
    def open(self) -> bool:
        """Whether no call is let through right now; False once the next trial may begin."""
        return not self.closed and self._clock() < self._next_trial

    def allow(self) -> bool:
        """Returns whether to call now. A trial keeps other callers back in the meantime."""
        if self.closed:
            return True
        if self.open:
            return False
        self._next_trial = self._clock() + self._wait
        return True

    def succeeded(self) -> None:
        """Records a response of any kind: the dependency works."""
        self._failures = 0
        self._wait = self._cooldown

    def failed(self) -> None:
        """Records that there was no response."""
        self._failures += 1
        if self.closed:
            return
        if self._failures > self._threshold:
            self._wait = min(self._wait * 2, self._longest)
        self._next_trial = self._clock() + self._wait

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Records how the block ends: any error is a failure, and so is a cancellation once the answer was due.

        A cancellation before that (see `deadlines.answer_due`) means that the client went away: nothing is recorded.
        """
        try:
            yield
        except asyncio.CancelledError:
            if overdue():
                self.failed()
            raise
        except Exception:
            self.failed()
            raise
        self.succeeded()
