import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.common.artifacts import ArtifactStore
from services.common.errors import FailedPreconditionError, NotFoundError

CREATED = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path)


def writing(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "vectors.bin").write_text(text)
        (folder / "parts" / "a b").mkdir(parents=True)
        (folder / "parts" / "a b" / "é.txt").write_text(text * 2)

    return write


def test_what_is_published_is_current_and_whole(store: ArtifactStore) -> None:
    artifact = store.publish("neighbors", writing("one"), {"items": 3}, CREATED)

    assert store.current("neighbors") == artifact
    assert artifact.metadata == {"items": 3}
    assert artifact.created_millis == 1709294400000
    assert {file: size for file, (size, _) in artifact.files.items()} == {"vectors.bin": 3, "parts/a b/é.txt": 6}
    assert (artifact.path / "vectors.bin").read_text() == "one"
    store.verify(artifact)


def test_nothing_published_is_none(store: ArtifactStore) -> None:
    assert store.current("neighbors") is None
    assert store.versions("neighbors") == []


def test_versions_sort_by_time_whatever_the_clock_says(store: ArtifactStore) -> None:
    moments = [CREATED, CREATED, CREATED - timedelta(days=1), CREATED + timedelta(days=1)]
    published = [store.publish("model", writing(str(n)), {}, moment) for n, moment in enumerate(moments)]

    assert store.versions("model") == [artifact.version for artifact in published]
    assert published[3].version == "1709380800000"
    assert all(version.isdigit() for version in store.versions("model"))


def test_a_failed_write_leaves_nothing_and_the_former_version(store: ArtifactStore, tmp_path: Path) -> None:
    former = store.publish("model", writing("former"), {}, CREATED)

    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        store.publish("model", fail, {}, CREATED)
    assert store.current("model") == former
    assert sorted(entry.name for entry in (tmp_path / "model").iterdir()) == [former.version, "CURRENT"]


def test_metadata_that_is_no_json_leaves_nothing(store: ArtifactStore) -> None:
    with pytest.raises(ValueError, match="JSON"):
        store.publish("model", writing("x"), {"loss": float("nan")}, CREATED)
    assert store.versions("model") == []


def test_a_version_can_be_published_before_it_is_made_current(store: ArtifactStore) -> None:
    former = store.publish("model", writing("former"), {}, CREATED)
    candidate = store.publish("model", writing("candidate"), {}, CREATED, make_current=False)
    assert store.current("model") == former
    store.set_current("model", candidate.version)
    assert store.current("model") == candidate
    store.set_current("model", former.version)
    assert store.current("model") == former


def test_a_version_that_is_not_there_cannot_be_current(store: ArtifactStore) -> None:
    version = store.publish("model", writing("x"), {}, CREATED).version
    with pytest.raises(NotFoundError, match=f"no version 7 of model; available: {version}"):
        store.set_current("model", "7")


def change(path: Path) -> None:
    (path / "vectors.bin").write_text("eno")


def remove(path: Path) -> None:
    (path / "vectors.bin").unlink()


def add(path: Path) -> None:
    (path / "stray").write_text("x")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (change, "vectors.bin was changed after it was published"),
        (remove, "vectors.bin is missing"),
        (add, "stray isn't in the manifest"),
    ],
)
def test_damage_is_found_and_named(store: ArtifactStore, damage: Callable[[Path], None], said: str) -> None:
    artifact = store.publish("model", writing("one"), {}, CREATED)
    damage(artifact.path)
    with pytest.raises(FailedPreconditionError, match=said):
        store.verify(artifact)


@pytest.mark.parametrize(
    "manifest", ["", "{", "[]", "{}", json.dumps({"created_millis": 1, "metadata": {}, "files": 3})]
)
def test_a_manifest_that_cannot_be_read_says_so(store: ArtifactStore, manifest: str) -> None:
    artifact = store.publish("model", writing("one"), {}, CREATED)
    (artifact.path / "manifest.json").write_text(manifest)
    with pytest.raises(FailedPreconditionError, match=r"manifest\.json can't be read"):
        store.current("model")


def test_old_versions_are_removed_but_never_the_current_one(store: ArtifactStore) -> None:
    versions = [store.publish("model", writing(str(n)), {}, CREATED).version for n in range(5)]
    store.set_current("model", versions[0])
    assert store.prune("model", keep=2) == versions[1:3]
    assert store.versions("model") == [versions[0], *versions[3:]]
    assert store.prune("model", keep=2) == []


@pytest.mark.parametrize("name", ["", "..", "a/b", "Model", ".hidden", "a" * 65, "é"])
def test_names_that_are_no_folders_of_ours_are_refused(store: ArtifactStore, name: str) -> None:
    with pytest.raises(ValueError, match="isn't an artifact name"):
        store.publish(name, writing("x"), {}, CREATED)


@pytest.mark.parametrize("version", ["", "..", "../../etc", "CURRENT", "0x1"])
def test_versions_that_are_no_versions_are_not_found(store: ArtifactStore, version: str) -> None:
    store.publish("model", writing("x"), {}, CREATED)
    with pytest.raises(NotFoundError):
        store.get("model", version)


def test_publishers_at_the_same_moment_get_versions_of_their_own(store: ArtifactStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        published = list(pool.map(lambda n: store.publish("model", writing(str(n)), {"n": n}, CREATED), range(24)))
    assert len({artifact.version for artifact in published}) == 24
    assert len(store.versions("model")) == 24
    for artifact in published:
        store.verify(artifact)
