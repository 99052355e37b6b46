import asyncio
from typing import TYPE_CHECKING, Final

from services.candidates.content.embedded_index import EmbeddedIndex
from services.candidates.sources.inputs import Inputs
from services.common.channels import answers_of
from vitrine.features.v1.catalog_service_pb2 import CatalogChange, TailCatalogRequest, TailCatalogResponse

if TYPE_CHECKING:
    from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceAsyncStub

_BATCH: Final = 1_000
# Changes that are taken over before requests get a turn: some 2 ms of work, and more while there are no requests yet.
_STRETCH: Final = 50
_LONG_STRETCH: Final = 1_000


class CatalogTail:
    """Follows the catalog into the columns and, where it is the one that answers, the embedded content index. A lost
    stream is resumed where it was lost.
    """

    def __init__(self, catalog: "CatalogServiceAsyncStub", inputs: Inputs) -> None:
        self._catalog = catalog
        self._inputs = inputs
        self._content = inputs.embedded if inputs.content is inputs.embedded else None
        self.caught_up = asyncio.Event()

    async def follow(self) -> None:
        """Reads until the stream ends or fails; to be called again and again."""
        request = TailCatalogRequest(
            after_version=self._inputs.columns.version,
            follow=True,
            batch_size=_BATCH,
            brief=True,
            vectors=self._content is not None,
        )
        async with answers_of(self._catalog.TailCatalog(request)) as answers:
            async for answer in answers:
                await self._apply(answer)
                if answer.caught_up:
                    self.caught_up.set()

    async def _apply(self, answer: TailCatalogResponse) -> None:
        columns, content = self._inputs.columns, self._content
        stretch = _STRETCH if self._inputs.catalog_read else _LONG_STRETCH
        for done, change in enumerate(answer.changes, start=1):
            columns.apply(change)
            if content is not None:
                _take_over(content, change)
            if done % stretch == 0:
                await asyncio.sleep(0)
        columns.version = answer.version


def _take_over(content: EmbeddedIndex, change: CatalogChange) -> None:
    if change.HasField("item"):
        content.put(change.item_no, change.item)
    else:
        content.remove(change.item_no)
