"""How fast candidates are found, alone and all sources together, while tables are swapped, and after an upsert.

Run with `make bench-candidates`. The service is a process of its own; catalog and statistics come from this one.
`--items` chooses sizes. With VITRINE_CANDIDATES_ELASTICSEARCH_URL
the service searches content there, and the figures are named so.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import grpc

from bench.candidates.load import Timing, measure
from bench.candidates.shop_services import BenchCatalog, BenchStatistics, serving
from bench.candidates.synthetic_shop import SyntheticShop
from cli.echo import echo_throughput
from cli.figures import Figures
from cli.launcher.ports import any_free_port
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.elastic.cluster import open_client
from services.candidates.settings import CandidatesSettings
from services.candidates.sources.registry import SOURCES
from services.common.artifacts import ArtifactStore
from services.common.clock import SystemClock
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.candidates.v1.candidate_service_pb2_grpc import CandidateServiceStub
from vitrine.features.v1.user_features_pb2 import UserFeatures

SIZES: Final = (10_000, 100_000)
USERS: Final = 20_000
LIMIT: Final = 300
VISITORS: Final = 200
SECONDS: Final = 2.0
UPSERTS: Final = 20
HEADLINE: Final = 100_000
# neighbors, next_items, bought_together, user_ratings, group_tastes, repeats, embeddings
_TABLES: Final = 7
_LOOKS: Final = 2_000
_START_SECONDS: Final = 3600.0


async def main(sizes: Sequence[int]) -> None:
    """Prints the figures."""
    engine = "elasticsearch" if os.environ.get("VITRINE_CANDIDATES_ELASTICSEARCH_URL") else "embedded"
    figures = Figures("candidates")
    figures.say("echo.throughput", await echo_throughput(), "/s")
    figures.say("machine.load", os.getloadavg()[0], "")
    for items in sizes:
        await _measure_size(figures, engine, SyntheticShop(items, USERS, int(time.time() * 1000)))


async def _measure_size(figures: Figures, engine: str, shop: SyntheticShop) -> None:
    events = shop.events()
    visitors = shop.visitors(events, VISITORS)
    name = f"candidates.{engine}.{shop.items}"
    with tempfile.TemporaryDirectory() as folder:
        store = ArtifactStore(Path(folder) / "artifacts")
        shop.publish(store, events, SystemClock())
        catalog = BenchCatalog(shop)  # type: ignore[abstract]  # what candidates calls
        statistics = BenchStatistics(shop.statistics(events))  # type: ignore[abstract]  # the same
        async with serving(catalog, statistics) as features:
            began = time.perf_counter()
            async with _candidates(Path(folder), features) as stub:
                figures.say(f"{name}.start", time.perf_counter() - began, "s")
                requests = [_request(shop, user, visitor) for user, visitor in enumerate(visitors)]
                together = await _time(stub, requests)
                _say(figures, f"{name}.all", together)
                if shop.items == HEADLINE:
                    figures.say("candidates.p99", together.p99, "ms")
                figures.say(f"{name}.all.rate_c16", (await _time(stub, requests, callers=16)).rate, "/s")
                for source in SOURCES:
                    if source != "custom":
                        alone = [_request(shop, user, visitor, source) for user, visitor in enumerate(visitors)]
                        _say(figures, f"{name}.{source}", await _time(stub, alone))
                await _measure_swap(figures, name, store, stub, requests)
                figures.say(f"{name}.item_p99", await _upsert_to_answer(stub, catalog, shop), "ms")


@contextlib.asynccontextmanager
async def _candidates(folder: Path, features: str) -> AsyncIterator[Any]:
    """Starts the service; gives its stub when it is ready."""
    port, index = any_free_port(), f"bench-{time.time_ns()}"
    environment = os.environ | {
        "VITRINE_STATE_DIRECTORY": str(folder),
        "VITRINE_CANDIDATES_PORT": str(port),
        "VITRINE_FEATURES_ADDRESS": features,
        "VITRINE_LOG_LEVEL": "WARNING",
        "VITRINE_CANDIDATES_SOURCE_DEADLINE_SECONDS": "5",
        "VITRINE_CANDIDATES_MAX_MESSAGE_BYTES": str(256 * 1024 * 1024),
        # An index of its own: that of a former run would answer while this one's is made.
        "VITRINE_CANDIDATES_ELASTICSEARCH_INDEX": index,
    }
    command = (sys.executable, "-m", "services.candidates", "--exit-with-parent")
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub: Any = CandidateServiceStub(channel)
            await _until_loaded(stub)
            yield stub
    finally:
        process.terminate()
        await process.wait()
        await _remove(index)


async def _remove(index: str) -> None:
    settings = CandidatesSettings()
    if settings.elasticsearch_url:
        async with open_client(settings) as client:
            if names := list(await client.indices.get(index=f"{index}-*")):
                await client.indices.delete(index=names)


async def _until_loaded(stub: Any) -> None:
    end, status = time.perf_counter() + _START_SECONDS, None
    while time.perf_counter() < end:
        with contextlib.suppress(grpc.aio.AioRpcError):
            status = await stub.GetIndexStatus(pb.GetIndexStatusRequest(), timeout=5, wait_for_ready=True)
            if len(status.artifacts) == _TABLES and not status.content_fault and _has_all(status.versions):
                return
        await asyncio.sleep(0.2)
    raise SystemExit(f"the service did not load the synthetic shop in time: {status}")


def _has_all(versions: pb.IndexVersions) -> bool:
    """Whether the content index has the whole catalog; Elasticsearch's has what it had come to behind an "@"."""
    name, _, reached = versions.content_version.rpartition("@")
    return not name or reached == str(versions.catalog_version)


def _request(shop: SyntheticShop, user: int, visitor: UserFeatures, only: str = "") -> pb.RetrieveCandidatesRequest:
    request = pb.RetrieveCandidatesRequest(
        user=visitor, limit=LIMIT, user_vector=shop.user_vector(user), user_vector_version="m1"
    )
    request.query_time.FromMilliseconds(shop.now_millis)
    for source in SOURCES if only else ():
        if source != only:
            request.quotas.add(source=source, quota=0)
    return request


async def _time(stub: Any, requests: Sequence[pb.RetrieveCandidatesRequest], *, callers: int = 1) -> Timing:
    async def call(number: int) -> None:
        await stub.RetrieveCandidates(requests[number % len(requests)], timeout=5)

    await measure(call, SECONDS / 4, callers)
    return await measure(call, SECONDS, callers)


def _say(figures: Figures, name: str, timing: Timing) -> None:
    figures.say(f"{name}.p50", timing.p50, "ms")
    figures.say(f"{name}.p99", timing.p99, "ms")
    figures.say(f"{name}.rate", timing.rate, "/s")


async def _measure_swap(
    figures: Figures, name: str, store: ArtifactStore, stub: Any, requests: Sequence[pb.RetrieveCandidatesRequest]
) -> None:
    """Publishes the neighbors again and again while calls go on."""
    artifact = store.current(Neighbors.ARTIFACT)
    if artifact is None:
        raise SystemExit("the synthetic shop has no neighbors")
    files = {file: (artifact.path / file).read_bytes() for file in artifact.files}

    def write(folder: Path) -> None:
        for file, content in files.items():
            (folder / file).write_bytes(content)

    async def call(number: int) -> None:
        await stub.RetrieveCandidates(requests[number % len(requests)], timeout=5)

    async def swap() -> None:
        for _ in range(3):
            await asyncio.to_thread(store.publish, Neighbors.ARTIFACT, write, {}, SystemClock().now())
            await asyncio.sleep(1.5)

    before = await measure(call, SECONDS, 2)
    during, _ = await asyncio.gather(measure(call, 4.5, 2), swap())
    figures.say(f"{name}.swap_failed", during.failed, "")
    figures.say(f"{name}.swap_p99_ratio", during.p99 / before.p99, "")


async def _upsert_to_answer(stub: Any, catalog: BenchCatalog, shop: SyntheticShop) -> float:
    """Returns the longest of 20 times from an upsert to the first answer that has the item, in milliseconds."""
    took = []
    for number in range(UPSERTS):
        change = shop.changes(1, 2)[0]
        change.item_no = shop.items + 1 + number
        change.item_id = change.item.item_id = f"new {number}"
        change.group_no = change.item_no
        began = time.perf_counter()
        await catalog.put(change)
        request = pb.ListSimilarItemsRequest(item_no=1, limit=500)
        request.query_time.FromMilliseconds(shop.now_millis)
        for _ in range(_LOOKS):
            if change.item_no in (await stub.ListSimilarItems(request, timeout=5)).item_nos:
                break
            await asyncio.sleep(0.005)
        took.append(time.perf_counter() - began)
    return max(took) * 1000


def arguments() -> argparse.Namespace:
    """Returns what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.candidates", description="Measure the candidates service.")
    parser.add_argument("--items", type=int, action="append", help="a catalog's size; may be given again")
    return parser.parse_args()


if __name__ == "__main__":
    options = arguments()
    asyncio.run(main(options.items or SIZES))
