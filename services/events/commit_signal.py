import asyncio


class CommitSignal:
    """Wakes those who wait for the log to grow. Belongs to one event loop."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def current(self) -> asyncio.Event:
        """Returns the event that the next commit will set. Take it before reading, so that no commit falls between."""
        return self._next

    def notify(self) -> None:
        """Tells everyone that something was committed."""
        self._next.set()
        self._next = asyncio.Event()
