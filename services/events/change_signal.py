import asyncio


class ChangeSignal:
    """Wakes those who wait for something to change. Belongs to one event loop."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def current(self) -> asyncio.Event:
        """Returns the event that the next change will set. Take it before you look, so that no change falls between."""
        return self._next

    async def wait(self) -> None:
        """Returns at the next change."""
        await self._next.wait()

    def notify(self) -> None:
        """Tells everyone that something changed."""
        self._next.set()
        self._next = asyncio.Event()
