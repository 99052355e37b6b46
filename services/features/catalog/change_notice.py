import asyncio


class ChangeNotice:
    """Wakes those who wait for the catalog's next version. Belongs to one event loop."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Wakes all who wait."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self) -> None:
        """Returns at the next `notify`."""
        await self._changed.wait()
