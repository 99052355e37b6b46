import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from services.candidates.content.item_words import ItemWords
from services.candidates.elastic.bulk_writer import BulkWriter
from services.candidates.elastic.document import document
from services.candidates.elastic.indexes import Indexes
from services.candidates.elastic.vector_writer import VectorWriter
from services.common.channels import answers_of
from vitrine.features.v1.catalog_service_pb2 import CatalogChange, TailCatalogRequest

if TYPE_CHECKING:
    from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceAsyncStub

_BATCH: Final = 1_000


class Feeder:
    """Follows the catalog into an index. Where it ended is noted in the index itself, after each batch; a batch that
    comes again changes nothing, since each document has its change's version and only newer ones win.
    """

    def __init__(
        self,
        catalog: "CatalogServiceAsyncStub",
        writer: BulkWriter,
        indexes: Indexes,
        words: ItemWords,
        vector_weights: Mapping[str, float],
    ) -> None:
        self._catalog = catalog
        self._writer = writer
        self._indexes = indexes
        self._words = words
        self._vector_weights = vector_weights

    async def feed(self, name: str, caught_up: asyncio.Event) -> None:
        """Reads until the stream ends or fails, from where the index is; sets the event once the index has all."""
        begin = await self._indexes.offset(name)
        vectors = await VectorWriter.of(self._indexes, name, self._vector_weights)
        request = TailCatalogRequest(after_version=begin, follow=True, batch_size=_BATCH, brief=True, vectors=True)
        async with answers_of(self._catalog.TailCatalog(request)) as answers:
            async for answer in answers:
                if answer.changes:
                    await vectors.prepare(change.item for change in answer.changes)
                    await self._writer.write(name, (self._action(change, vectors) for change in answer.changes))
                    await self._indexes.reach(name, answer.version)
                if answer.caught_up:
                    caught_up.set()

    def _action(self, change: CatalogChange, vectors: VectorWriter) -> dict[str, Any]:
        about = {"_id": str(change.item_no), "version": change.version, "version_type": "external_gte"}
        if change.HasField("item"):
            return about | {"_op_type": "index", "_source": document(change, self._words) | vectors.parts(change.item)}
        return about | {"_op_type": "delete"}
