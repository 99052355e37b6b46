import gc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from services.candidates.artifacts.checked_arrays import ArtifactRefusedError
from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.artifacts.loaded_artifact import LoadedArtifact
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.background.artifact_watcher import ArtifactWatcher
from services.candidates.catalog.item_columns import ItemColumns, item_digest
from services.common.artifacts import ArtifactStore
from tests.support.candidates_shop import Shop
from tests.support.eligibility import those_of

MOMENT = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture
def columns() -> ItemColumns:
    shop = Shop()
    for item_no in range(1, 6):
        shop.put(item_no)
    return shop.inputs.columns


def neighbors(**changes: object) -> Neighbors:
    arrays: dict[str, object] = {
        "item_nos": np.array([1, 2, 3], np.uint32),
        "digests": np.array([item_digest(f"item-{number}") for number in (1, 2, 3)], np.uint32),
        "starts": np.array([0, 2, 3, 3], np.int64),
        "neighbors": np.array([2, 3, 1], np.uint32),
        "similarities": np.array([0.5, 0.25, 0.5], np.float32),
        "supports": np.array([4, 2, 4], np.uint32),
    }
    return Neighbors(**(arrays | changes))  # type: ignore[arg-type]  # a test breaks what it likes


def test_neighbors_are_read_as_written(tmp_path: Path, columns: ItemColumns) -> None:
    neighbors().save(tmp_path)
    loaded = Neighbors.load(tmp_path, columns)
    owners, positions = loaded.positions_of(np.array([3, 2, 99, 1], np.uint32))
    assert owners.tolist() == [1, 3, 3]
    assert loaded.neighbors[positions].tolist() == [1, 2, 3]
    assert loaded.similarities[positions].tolist() == [0.5, 0.5, 0.25]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"similarities": np.array([0.5, np.nan, 0.1], np.float32)}, "not finite"),
        ({"similarities": np.array([0.5, 0.1], np.float32)}, "2 similarities and 3 supports for 3"),
        ({"supports": np.array([4], np.uint32)}, "3 similarities and 1 supports for 3"),
        ({"item_nos": np.array([1, 2, 9], np.uint32)}, "another catalog"),
        ({"item_nos": np.array([0, 2, 3], np.uint32)}, "another catalog"),
        ({"digests": np.array([1, 2, 3], np.uint32)}, "stand for other items"),
        ({"digests": np.array([1], np.uint32)}, "1 digests for 3"),
        ({"item_nos": np.array([1, 1, 3], np.uint32)}, "twice"),
        ({"starts": np.array([0, 2, 1, 3], np.int64)}, "do not belong together"),
        ({"starts": np.array([0, 3], np.int64)}, "do not belong together"),
        ({"neighbors": np.array([2, 3, 5], np.uint32)}, "not among them"),
        ({"neighbors": np.array([0.5, 1.5, 2.5])}, "neighbors.npy is float64"),
        ({"item_nos": np.zeros(0, np.uint32)}, "empty"),
        ({"starts": np.zeros((2, 2), np.int64)}, "not int64 in 1-d"),
    ],
)
def test_neighbors_that_do_not_fit_are_refused(
    tmp_path: Path, columns: ItemColumns, changes: dict[str, object], reason: str
) -> None:
    neighbors(**changes).save(tmp_path)
    with pytest.raises(ArtifactRefusedError, match=reason):
        Neighbors.load(tmp_path, columns)


def test_a_missing_or_cut_file_is_refused(tmp_path: Path, columns: ItemColumns) -> None:
    neighbors().save(tmp_path)
    file = tmp_path / "neighbors.npy"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(ArtifactRefusedError, match="cannot be read"):
        Neighbors.load(tmp_path, columns)
    file.unlink()
    with pytest.raises(ArtifactRefusedError, match="cannot be read"):
        Neighbors.load(tmp_path, columns)


def write_embeddings(
    item_nos: object = (3, 1), vectors: object = ((1.0, 0.0), (0.0, 1.0)), digests: object = None
) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        np.save(folder / "item_nos.npy", np.array(item_nos, np.uint32))
        np.save(folder / "vectors.npy", np.array(vectors, np.float32))
        if digests is not None:
            np.save(folder / "digests.npy", np.array(digests, np.uint32))

    return write


def test_embeddings_are_searched_by_inner_product(tmp_path: Path, columns: ItemColumns) -> None:
    write_embeddings()(tmp_path)
    loaded = Embeddings.load(tmp_path, columns, "m1")
    item_nos, scores = loaded.nearest(np.array([0.0, 3.0], np.float32), 5)
    assert (item_nos.tolist(), scores.tolist()) == ([1, 3], [3.0, 0.0])
    mask = np.zeros(3, np.bool_)  # shorter than the item numbers reach
    mask[1] = True
    assert loaded.nearest(np.array([1.0, 0.0], np.float32), 5, those_of(mask))[0].tolist() == [1]


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (write_embeddings(vectors=((1.0, np.inf), (0.0, 1.0))), "not finite"),
        (write_embeddings(vectors=((1.0, 2.0),)), r"vectors \[1, 2\] for 2 items"),
        (write_embeddings(vectors=((0.0, 0.0), (0.0, 0.0))), "zero"),
        (write_embeddings(vectors=(1.0, 0.0)), "not float32 in 2-d"),
        (write_embeddings(item_nos=(1, 600)), "another catalog"),
        (write_embeddings(digests=(1, 2)), "stand for other items"),
        (write_embeddings(item_nos=(), vectors=np.zeros((0, 2))), "empty"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused(
    tmp_path: Path, columns: ItemColumns, write: Callable[[Path], None], reason: str
) -> None:
    write(tmp_path)
    with pytest.raises(ArtifactRefusedError, match=reason):
        Embeddings.load(tmp_path, columns, "m1")


class Watched:
    def __init__(self, root: Path, columns: ItemColumns) -> None:
        self.store = ArtifactStore(root)
        self.slot: LoadedArtifact[Neighbors] = LoadedArtifact("neighbors")
        self.loads = 0
        self._columns = columns
        self.watcher = ArtifactWatcher(
            self.store,
            self.slot,
            columns,
            ThreadPoolExecutor(1),
            lambda artifact: self._load(artifact.path),
            quality_floor=0.8,
        )

    def publish(self, made: Neighbors, *, make_current: bool = True, **metadata: object) -> str:
        return self.store.publish("neighbors", made.save, metadata, MOMENT, make_current=make_current).version

    def _load(self, path: Path) -> Neighbors:
        self.loads += 1
        return Neighbors.load(path, self._columns)


async def test_a_new_version_is_swapped_in(tmp_path: Path, columns: ItemColumns) -> None:
    watched = Watched(tmp_path, columns)
    await watched.watcher.look()
    assert watched.slot.value is None
    first = watched.publish(neighbors())
    await watched.watcher.look()
    await watched.watcher.look()
    assert (watched.slot.version, watched.loads) == (first, 1)
    second = watched.publish(neighbors())
    await watched.watcher.look()
    assert watched.slot.version == second


async def test_a_refused_version_is_reported_once_and_the_old_one_stays(tmp_path: Path, columns: ItemColumns) -> None:
    watched = Watched(tmp_path, columns)
    good = watched.publish(neighbors())
    await watched.watcher.look()
    bad = watched.publish(neighbors(similarities=np.array([np.nan] * 3, np.float32)))
    await watched.watcher.look()
    await watched.watcher.look()
    assert watched.loads == 2
    assert watched.slot.version == good
    assert watched.slot.value is not None
    (refusal,) = watched.slot.refusals()
    assert refusal.startswith(f"neighbors {bad}: ")
    assert "not finite" in refusal
    watched.publish(neighbors())
    await watched.watcher.look()
    assert watched.slot.refusals() == []


async def test_a_changed_file_is_refused(tmp_path: Path, columns: ItemColumns) -> None:
    watched = Watched(tmp_path, columns)
    version = watched.publish(neighbors())
    neighbors(neighbors=np.array([3, 2, 1], np.uint32)).save(tmp_path / "neighbors" / version)
    await watched.watcher.look()
    assert watched.slot.value is None
    assert "changed after it was published" in watched.slot.refusals()[0]


async def test_an_unreadable_pointer_is_reported(tmp_path: Path, columns: ItemColumns) -> None:
    watched = Watched(tmp_path, columns)
    watched.publish(neighbors())
    pointer = tmp_path / "neighbors" / "CURRENT"
    version = pointer.read_text()
    pointer.write_text("77")
    await watched.watcher.look()
    assert "no version 77" in watched.slot.refusals()[0]
    pointer.write_text(version)
    await watched.watcher.look()
    assert (watched.slot.version, watched.slot.refusals()) == (version, [])


async def test_a_version_of_a_later_catalog_waits_for_it(tmp_path: Path, columns: ItemColumns) -> None:
    watched = Watched(tmp_path, columns)
    version = watched.publish(neighbors(), catalog_version=columns.version + 1)
    await watched.watcher.look()
    assert (watched.slot.value, watched.loads) == (None, 0)
    assert "read so far is 5" in watched.slot.refusals()[0]
    columns.version += 1
    await watched.watcher.look()
    assert watched.slot.version == version
    assert watched.slot.refusals() == []


@pytest.mark.parametrize(
    ("quality", "taken"), [(0.5, True), (0.4, True), (0.39, False), (0.0, False), (None, True), ("much", True)]
)
async def test_a_newer_version_has_to_reach_the_floor(
    tmp_path: Path, columns: ItemColumns, quality: object, *, taken: bool
) -> None:
    watched = Watched(tmp_path, columns)
    good = watched.publish(neighbors(), quality=0.5)
    await watched.watcher.look()
    version = watched.publish(neighbors(), quality=quality)
    await watched.watcher.look()
    assert watched.slot.version == (version if taken else good)
    assert any("the floor is 0.8 of that" in refusal for refusal in watched.slot.refusals()) == (not taken)


async def test_a_way_back_is_open_whatever_its_quality(tmp_path: Path, columns: ItemColumns) -> None:
    watched = Watched(tmp_path, columns)
    old = watched.publish(neighbors(), quality=0.1)
    watched.publish(neighbors(), quality=0.5)
    await watched.watcher.look()
    watched.store.set_current("neighbors", old)
    await watched.watcher.look()
    assert watched.slot.version == old


async def test_what_the_job_kept_back_is_reported_until_it_is_taken(tmp_path: Path, columns: ItemColumns) -> None:
    watched = Watched(tmp_path, columns)
    good = watched.publish(neighbors(), quality=0.5)
    kept = watched.publish(neighbors(), make_current=False, quality=0.1, kept_back="it foresees little")
    await watched.watcher.look()
    await watched.watcher.look()
    assert watched.slot.version == good
    assert watched.slot.refusals() == [f"neighbors {kept}: it foresees little"]
    watched.store.set_current("neighbors", kept)
    await watched.watcher.look()
    assert (watched.slot.version, watched.slot.refusals()) == (kept, [])


async def test_a_draft_that_is_not_current_yet_is_no_fault(tmp_path: Path, columns: ItemColumns) -> None:
    watched = Watched(tmp_path, columns)
    watched.publish(neighbors(), make_current=False)
    await watched.watcher.look()
    assert (watched.slot.version, watched.slot.refusals()) == ("", [])


async def test_the_former_value_is_freed_with_its_last_reader(tmp_path: Path, columns: ItemColumns) -> None:
    watched = Watched(tmp_path, columns)
    watched.publish(neighbors())
    await watched.watcher.look()
    reader = watched.slot.value
    assert reader is not None
    former = weakref.ref(reader.similarities)
    watched.publish(neighbors())
    await watched.watcher.look()
    assert former() is not None
    del reader
    gc.collect()
    assert former() is None
