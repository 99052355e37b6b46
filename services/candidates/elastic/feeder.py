import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from services.candidates.content.item_words import ItemWords
from services.candidates.elastic.cluster import Cluster
from services.candidates.elastic.document import document
from services.candidates.elastic.indexes import Indexes
from services.common.errors import UnavailableError
from services.common.streams import answers_of
from vitrine.features.v1.catalog_service_pb2 import CatalogChange, TailCatalogRequest

if TYPE_CHECKING:
    from vitrine.features.v1.catalog_service_pb2_grpc import CatalogServiceAsyncStub

_BATCH: Final = 1_000
_TRIES: Final = 5
_OVERLOADED: Final = 429
_FAILED: Final = 500
_REFUSED: Final = 400


class Feeder:
    """Follows the catalogue into an index. Where it ended is noted in the index itself, after each batch; a batch that
    comes again changes nothing, since each document has its change's version and only newer ones win.

    An item that the index refuses is told to `refused`, and the others go on.
    """

    def __init__(
        self,
        catalog: "CatalogServiceAsyncStub",
        cluster: Cluster,
        indexes: Indexes,
        words: ItemWords,
        refused: Callable[[str], None],
        *,
        pause_seconds: float = 0.5,
    ) -> None:
        self._catalog = catalog
        self._cluster = cluster
        self._indexes = indexes
        self._words = words
        self._refused = refused
        self._pause = pause_seconds

    async def feed(self, name: str, caught_up: asyncio.Event) -> None:
        """Reads until the stream ends or fails, from where the index is; sets the event once the index has all."""
        begin = await self._indexes.offset(name)
        request = TailCatalogRequest(after_version=begin, follow=True, batch_size=_BATCH, brief=True)
        async with answers_of(self._catalog.TailCatalog(request)) as answers:
            async for answer in answers:
                if answer.changes:
                    await self.write(name, answer.changes)
                    await self._indexes.reach(name, answer.version)
                if answer.caught_up:
                    caught_up.set()

    async def write(self, name: str, changes: Iterable[CatalogChange]) -> None:
        """Writes changes; raises UnavailableError where the index stays overloaded."""
        left = list(changes)
        for attempt in range(_TRIES):
            left = await self._try(name, left)
            if not left:
                return
            await asyncio.sleep(self._pause * 2**attempt)
        raise UnavailableError(f"Elasticsearch stays overloaded; {len(left)} items wait", reason="ELASTICSEARCH_429")

    async def _try(self, name: str, changes: list[CatalogChange]) -> list[CatalogChange]:
        """Writes changes once; returns those that are to be tried again."""
        operations = [part for change in changes for part in self._operation(change)]
        answer = await self._cluster.work(lambda client: client.bulk(index=name, operations=operations))
        again = []
        for change, outcome in zip(changes, answer["items"], strict=True):
            result = next(iter(outcome.values()))
            status = result["status"]
            if status == _OVERLOADED or status >= _FAILED:
                again.append(change)
            elif status == _REFUSED:
                self._refused(f"item {change.item_no}: {_cause(result)}")
        return again

    def _operation(self, change: CatalogChange) -> Iterable[dict[str, Any]]:
        about = {"_id": str(change.item_no), "version": change.version, "version_type": "external_gte"}
        if change.HasField("item"):
            return {"index": about}, document(change, self._words)
        return ({"delete": about},)


def _cause(result: dict[str, Any]) -> str:
    error = result.get("error", {})
    inner = error.get("caused_by", {}).get("reason", "")
    return f"{error.get('reason', 'refused')}{': ' + inner if inner else ''}"
