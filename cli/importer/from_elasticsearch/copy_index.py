import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from elasticsearch import ApiError, AsyncElasticsearch, TransportError

from cli.importer.from_elasticsearch.failure import failure, passes
from cli.importer.from_elasticsearch.index_copy import IndexCopy
from services.common.progress import Progress, Task

SLICES: Final = 4
PAGE: Final = 1_000
DELAYS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_KEEP_ALIVE: Final = "5m"


async def copy_index(client: AsyncElasticsearch, copy: IndexCopy, progress: Progress) -> None:
    """Copies what an index holds at one point in time, in slices side by side; what is copied already is not read
    again. Where the cluster fails it waits and goes on from there, as of a new point in time.

    A slice is read in the order of sequence numbers: every write gives a document a higher one, so that what changes
    after its place was passed is met again.

    Raises:
        CommandError: there is no such index, the cluster refuses, or it does not answer for long.
    """
    delays = iter(DELAYS)
    with progress.task(f"copying {copy.index}") as task:
        while True:
            before = copy.rows
            try:
                await _read(client, copy, task)
                return
            except (TransportError, ApiError) as error:
                delays = iter(DELAYS) if copy.rows > before else delays
                await _wait(copy.index, error, delays)


async def _wait(index: str, error: Exception, delays: Iterator[float]) -> None:
    delay = next(delays, None) if passes(error) else None
    if delay is None:
        raise failure(index, error) from error
    await asyncio.sleep(delay)


async def _read(client: AsyncElasticsearch, copy: IndexCopy, task: Task) -> None:
    copy.begin(await _identities(client, copy.index), SLICES)
    reading = _Reading(client, copy, task)
    await reading.open()
    slices = [asyncio.create_task(reading.read(number)) for number in range(SLICES)]
    try:
        await asyncio.gather(*slices)
    finally:
        for one in slices:
            one.cancel()
        await asyncio.gather(*slices, return_exceptions=True)
        await reading.close()


async def _identities(client: AsyncElasticsearch, index: str) -> dict[str, str]:
    answer = await client.indices.get_settings(
        index=index, allow_no_indices=False, filter_path=["*.settings.index.uuid"]
    )
    return {name: told["settings"]["index"]["uuid"] for name, told in answer.items()}


class _Reading:
    """One pass over an index at one point in time."""

    def __init__(self, client: AsyncElasticsearch, copy: IndexCopy, task: Task) -> None:
        self._client = client
        self._copy = copy
        self._task = task
        self._point = ""
        self._one_page = asyncio.Lock()

    async def open(self) -> None:
        answer = await self._client.open_point_in_time(index=self._copy.index, keep_alive=_KEEP_ALIVE)
        self._point = answer["id"]

    async def read(self, number: int) -> None:
        after = [self._copy.position(number).seq_no, -1]
        while hits := await self._page(number, after):
            after = hits[-1]["sort"]
            async with self._one_page:
                new = await asyncio.to_thread(self._copy.append, number, hits)
            self._task.advance(new)

    async def _page(self, number: int, after: list[int]) -> list[dict[str, Any]]:
        answer = await self._client.search(
            pit={"id": self._point, "keep_alive": _KEEP_ALIVE},
            slice={"field": "_seq_no", "id": number, "max": SLICES},
            sort=[{"_seq_no": "asc"}, {"_shard_doc": "asc"}],
            search_after=after,
            size=PAGE,
            track_total_hits=False,
            # A shard that fails is a failure, and not fewer documents.
            allow_partial_search_results=False,
        )
        self._point = answer["pit_id"]
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits

    async def close(self) -> None:
        with suppress(TransportError, ApiError):
            await self._client.close_point_in_time(id=self._point)
