"""What runs beside requests doesn't take the threads in which requests search."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.candidates.artifacts.loaded_artifact import LoadedArtifact
from services.candidates.background import list_keeper
from services.candidates.background.artifact_watcher import ArtifactWatcher
from services.candidates.background.list_keeper import ListKeeper
from services.candidates.background.vector_keeper import VectorKeeper
from services.candidates.content.feature_index import Merge
from services.candidates.metrics import CandidateMetrics
from services.candidates.vectors.new_items import NewItems
from services.common.artifacts import ArtifactStore
from services.common.telemetry.metrics import Metrics
from tests.support.candidates_shop import Shop
from tests.support.fake_ranker import FakeRanker


class Held:
    """Work that begins and does not end before it's let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()

    def __call__(self, *_: object) -> Any:
        self.begun.set()
        self.let_go.wait(30)
        raise OSError("let go")


@pytest.fixture
async def one_thread() -> None:
    """Requests have one thread in all."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.put(1, "red cup")
    shop.put(2, "blue cup")
    shop.open()
    shop.vectors({1: (1.0, 0.0)})
    shop.put(3, "new cup")
    return shop


def loading(shop: Shop, held: Held, threads: Executor, folder: Path, _: pytest.MonkeyPatch) -> Awaitable[None]:
    store = ArtifactStore(folder)
    store.publish("neighbors", lambda at: np.save(at / "a.npy", np.ones(1)), {}, datetime(2025, 6, 1, tzinfo=UTC))
    slot: LoadedArtifact[Any] = LoadedArtifact("neighbors")
    return ArtifactWatcher(store, slot, shop.inputs.columns, threads, held).look()


def hashing(shop: Shop, held: Held, threads: Executor, folder: Path, patch: pytest.MonkeyPatch) -> Awaitable[None]:
    patch.setattr(ArtifactStore, "verify", held)
    return loading(shop, Held(), threads, folder, patch)


def ranking(shop: Shop, held: Held, threads: Executor, _: Path, patch: pytest.MonkeyPatch) -> Awaitable[None]:
    patch.setattr(list_keeper, "rank", held)
    return ListKeeper(shop.inputs, threads).refresh()


def merging(shop: Shop, held: Held, threads: Executor, _: Path, patch: pytest.MonkeyPatch) -> Awaitable[None]:
    patch.setattr(Merge, "run", held)
    return shop.inputs.embedded.merge_beside(threads)


def adding_vectors(shop: Shop, held: Held, threads: Executor, _: Path, patch: pytest.MonkeyPatch) -> Awaitable[None]:
    patch.setattr(NewItems, "add", held)
    metrics = CandidateMetrics(Metrics("candidates"))
    return VectorKeeper(FakeRanker(), shop.inputs, metrics, threads).keep()  # type: ignore[arg-type]  # the stub's one method


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("work", [loading, hashing, ranking, merging, adding_vectors])
async def test_a_search_does_not_wait_for_it(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[..., Awaitable[None]]
) -> None:
    held = Held()
    with ThreadPoolExecutor(1) as threads, ThreadPoolExecutor(1) as observer:
        running = asyncio.ensure_future(work(shop, held, threads, tmp_path, monkeypatch))
        try:
            async with asyncio.timeout(10):
                await asyncio.get_running_loop().run_in_executor(observer, held.begun.wait)
                matches = await shop.inputs.content.match("cup", shop.query().eligibility, 5)
        finally:
            held.let_go.set()
            await asyncio.gather(running, return_exceptions=True)
    assert set(matches.item_nos.tolist()) >= {1, 2}
