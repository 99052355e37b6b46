"""The time left for a page, and each unit's share of it."""

from collections.abc import Callable


class Budget:
    """The seconds left for a page, of which `reserve` is kept for rendering.

    `elapsed_clock` counts seconds from any fixed point.
    """

    def __init__(self, seconds: float, reserve: float, elapsed_clock: Callable[[], float]) -> None:
        self._clock = elapsed_clock
        self._end = elapsed_clock() + max(0.0, seconds - min(reserve, seconds / 4))

    def remaining(self) -> float:
        """Returns the seconds left for units; never negative."""
        return max(0.0, self._end - self._clock())

    def share(self, fraction: float) -> float:
        """Returns the seconds that a unit with that share of the remaining time may take."""
        return self.remaining() * fraction
