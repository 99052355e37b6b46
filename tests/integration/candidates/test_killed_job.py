"""A job's process that dies half-way through a table, in the middle of a file."""

import asyncio
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from services.candidates.artifacts.loaded_artifact import LoadedArtifact
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.background.artifact_watcher import ArtifactWatcher
from services.candidates.catalog.item_columns import item_digest
from services.common.artifacts import ArtifactStore
from tests.support.candidates_shop import Shop

pytestmark = pytest.mark.slow

MOMENT = datetime(2025, 6, 1, tzinfo=UTC)
HALF_WRITTEN = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from services.common.artifacts import ArtifactStore

def write(folder):
    (folder / "item_nos.npy").write_bytes(b"\\x93NUMPY half")
    print("half", flush=True)
    time.sleep(600)

ArtifactStore(Path(sys.argv[1])).publish("neighbors", write, {}, datetime(2025, 6, 2, tzinfo=UTC))
"""


def neighbors() -> Neighbors:
    return Neighbors(
        item_nos=np.array([1, 2], np.uint32),
        digests=np.array([item_digest("item-1"), item_digest("item-2")], np.uint32),
        starts=np.array([0, 1, 2]),
        neighbors=np.array([2, 1], np.uint32),
        similarities=np.array([0.5, 0.5], np.float32),
        supports=np.array([9, 9], np.uint32),
    )


def die_half_way(root: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HALF_WRITTEN, str(root)], stdout=subprocess.PIPE) as job:
        try:
            assert job.stdout is not None
            assert job.stdout.readline() == b"half\n"
        finally:
            job.kill()


async def test_a_table_that_was_never_finished_changes_nothing_and_is_swept_up(tmp_path: Path) -> None:
    shop = Shop()
    for item_no in (1, 2):
        shop.put(item_no)
    store, slot = ArtifactStore(tmp_path), LoadedArtifact[Neighbors]("neighbors")
    columns = shop.inputs.columns
    watcher = ArtifactWatcher(
        store, slot, columns, ThreadPoolExecutor(1), lambda artifact: Neighbors.load(artifact.path, columns)
    )
    first = store.publish("neighbors", neighbors().save, {}, MOMENT).version

    await asyncio.to_thread(die_half_way, tmp_path)
    (draft,) = (tmp_path / "neighbors").glob(".draft-*")

    await watcher.look()
    assert (slot.version, slot.refusals()) == (first, [])
    second = store.publish("neighbors", neighbors().save, {}, MOMENT + timedelta(days=2)).version
    await watcher.look()
    assert (slot.version, store.versions("neighbors")) == (second, [first, second])

    store.prune("neighbors", 5)
    assert draft.exists()  # somebody may be at it still
    long_ago = time.time() - timedelta(days=2).total_seconds()
    os.utime(draft, (long_ago, long_ago))
    store.prune("neighbors", 5)
    assert not draft.exists()
    assert store.versions("neighbors") == [first, second]
