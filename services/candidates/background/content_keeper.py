import asyncio

from services.candidates.content.index import ContentIndex


class ContentKeeper:
    """Makes changed items findable, and folds them into the large segment when they have become many."""

    def __init__(self, content: ContentIndex) -> None:
        self._content = content

    async def refresh(self) -> None:
        """Makes what changed findable."""
        if self._content.wants_merge:
            await self.merge()
        self._content.refresh()

    async def merge(self) -> None:
        """Makes one segment of everything, beside the one that answers meanwhile."""
        self._content.finish_merge(*await asyncio.to_thread(self._content.begin_merge().run))
