from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Final

from elasticsearch import AsyncElasticsearch
from elasticsearch.helpers import async_streaming_bulk

from services.candidates.elastic.cluster import Cluster
from services.common.errors import UnavailableError

# What the client recommends as a request's body at the most; a server takes a hundred times as much.
_BYTES: Final = 1 << 20
_ACTIONS: Final = 1_000
_TRIES: Final = 5
# 403: the disk is full, or the index is read-only for a while.
_TRIED_AGAIN: Final = (403, 429, 500, 502, 503, 504)
_REFUSED: Final = 400
# Nothing was there to be deleted; the index has a newer version.
_DONE_ALREADY: Final = (404, 409)


class BulkWriter:
    """Writes documents into an index, whatever their number and size. If the index refuses one, `refused` gets its
    number and the reason, and the others go on. If it has no room for some at the moment, they're tried again, after a
    pause that doubles each time.
    """

    def __init__(self, cluster: Cluster, refused: Callable[[str], None], *, pause_seconds: float = 0.5) -> None:
        self._cluster = cluster
        self._refused = refused
        self._pause = pause_seconds

    async def write(self, name: str, actions: Iterable[dict[str, Any]]) -> None:
        """Writes all `actions`, in the form of `elasticsearch.helpers`; the `_id` is the item's number.

        Raises UnavailableError if Elasticsearch can't be reached, or takes some of them neither now nor later.
        """

        async def write(client: AsyncElasticsearch) -> None:
            outcomes = async_streaming_bulk(
                client,
                actions,
                index=name,
                chunk_size=_ACTIONS,
                max_chunk_bytes=_BYTES,
                raise_on_error=False,
                yield_ok=False,
                max_retries=_TRIES - 1,
                initial_backoff=self._pause,
                retry_on_status=_TRIED_AGAIN,
            )
            async with aclosing(outcomes) as failed:  # type: ignore[type-var]  # it's an async generator
                async for _, outcome in failed:
                    self._take(next(iter(outcome.values())))

        await self._cluster.work(write)

    def _take(self, result: Mapping[str, Any]) -> None:
        """Notes what became of an item that was not written."""
        if result["status"] == _REFUSED:
            self._refused(f"item {result['_id']}: {_cause(result)}")
        elif result["status"] not in _DONE_ALREADY:
            raise UnavailableError(
                f"Elasticsearch doesn't take item {result['_id']}: {_cause(result)}",
                reason="ELASTICSEARCH_TAKES_NOTHING",
            )


def _cause(result: Mapping[str, Any]) -> str:
    error = result.get("error", {})
    inner = error.get("caused_by", {}).get("reason", "")
    return f"{error.get('reason', 'refused')}{': ' + inner if inner else ''}"
