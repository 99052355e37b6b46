"""How much of a page's time is left, and how much of it one unit may take."""

from collections.abc import Callable


class Budget:
    """The seconds that a page may still take; `reserve` of them are kept for putting it together.

    `elapsed_clock` tells seconds from any fixed point on.
    """

    def __init__(self, seconds: float, reserve: float, elapsed_clock: Callable[[], float]) -> None:
        self._clock = elapsed_clock
        self._end = elapsed_clock() + max(0.0, seconds - min(reserve, seconds / 4))

    def remaining(self) -> float:
        """Returns the seconds left for units; never negative."""
        return max(0.0, self._end - self._clock())

    def share(self, fraction: float) -> float:
        """Returns what a unit with that share of the remaining time may take, in seconds."""
        return self.remaining() * fraction
