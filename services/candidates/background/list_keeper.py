import asyncio
from concurrent.futures import Executor
from typing import Final

from services.candidates.sources.inputs import Inputs
from services.candidates.statistics.top_lists import CatalogSnapshot, TopLists, rank

# The most popular kept of each category.
_PER_CATEGORY: Final = 200
# Ranking may take this part of one core's time, so that a large shop's lists are made less often.
_SHARE_OF_TIME: Final = 0.1


class ListKeeper:
    """Makes the top lists anew when catalog or statistics have changed."""

    def __init__(self, inputs: Inputs, threads: Executor) -> None:
        self._inputs = inputs
        self._threads = threads
        self._made_of = (-1, -1)

    async def refresh(self) -> None:
        """Makes the lists anew if they are stale."""
        inputs = self._inputs
        revisions = (inputs.columns.revision, inputs.statistics.revision)
        if revisions == self._made_of:
            return
        began = asyncio.get_running_loop().time()
        inputs.top_lists = await asyncio.get_running_loop().run_in_executor(self._threads, _ranked, inputs)
        self._made_of = revisions
        took = asyncio.get_running_loop().time() - began
        if inputs.catalog_read:
            await asyncio.sleep(took * (1 / _SHARE_OF_TIME - 1))


def _ranked(inputs: Inputs) -> TopLists:
    """Makes the lists, beside the catalog's changes: one that comes in between makes them stale, and they are made
    anew.
    """
    return rank(CatalogSnapshot.of(inputs.columns, inputs.statistics), _PER_CATEGORY)
