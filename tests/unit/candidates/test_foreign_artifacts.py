"""Every kind of artifact that was made for another catalog is refused, though its item numbers are all in range."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.candidates.artifacts.checked_arrays import ArtifactRefusedError
from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.artifacts.group_tastes import GroupTastes
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.artifacts.repeats import Repeats
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.catalog.item_columns import ItemColumns, item_digest
from services.candidates.jobs.compute import compute
from services.candidates.settings import CandidatesSettings
from services.common.progress import NoProgress
from tests.support.candidates_shop import Shop
from tests.support.shop_events import events_of

DAY = 86_400_000
ITEMS = 20
LOADERS: Mapping[str, Callable[[Path, ItemColumns], Any]] = {
    Neighbors.ARTIFACT: Neighbors.load,
    Neighbors.NEXT_ITEMS: Neighbors.load,
    Neighbors.BOUGHT_TOGETHER: Neighbors.load,
    UserRatings.ARTIFACT: UserRatings.load,
    GroupTastes.ARTIFACT: GroupTastes.load,
    Repeats.ARTIFACT: Repeats.load,
    Embeddings.ARTIFACT: lambda folder, columns: Embeddings.load(folder, columns, "m1"),
}


def write_all(folder: Path, ids: str) -> None:
    """All tables of a shop whose items have ids such as `ids`-1."""
    digests = {item_no: item_digest(f"{ids}-{item_no}") for item_no in range(1, ITEMS + 1)}
    visits = [(user, week) for user in range(60) for week in range(3)]
    rows = [
        (user, 1 + (3 * user + step + week) % ITEMS, (7 * week + step) * DAY)
        for user, week in visits
        for step in range(4)
    ]
    # And one order each of what they bought before.
    rows += [(user, 1 + (3 * user + step) % ITEMS, 30 * DAY) for user in range(60) for step in range(4)]
    events = events_of(rows, orders=[1 + user + 60 * (millis // (6 * DAY)) for user, _, millis in rows])
    groups = {user: (("region", "north" if user % 2 else "south"),) for user in range(60)}
    for made in compute(events, groups, digests, CandidatesSettings(), NoProgress()):
        (folder / made.name).mkdir(parents=True)
        made.save(folder / made.name)
    vectors = folder / Embeddings.ARTIFACT
    vectors.mkdir()
    np.save(vectors / "item_nos.npy", np.array([*digests], np.uint32))
    np.save(vectors / "vectors.npy", np.eye(ITEMS, dtype=np.float32))
    np.save(vectors / "digests.npy", np.array([*digests.values()], np.uint32))


@pytest.fixture(scope="module")
def columns() -> ItemColumns:
    shop = Shop()
    for item_no in range(1, ITEMS + 1):
        shop.put(item_no)
    return shop.inputs.columns


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts")
    for ids in ("item", "another"):
        write_all(folder / ids, ids)
    return folder


@pytest.mark.parametrize("name", LOADERS)
def test_an_artifact_of_another_catalog_is_refused(folder: Path, columns: ItemColumns, name: str) -> None:
    assert LOADERS[name](folder / "item" / name, columns)
    with pytest.raises(ArtifactRefusedError, match="stand for other items"):
        LOADERS[name](folder / "another" / name, columns)


def test_vectors_with_too_few_marks_are_refused(folder: Path, columns: ItemColumns, tmp_path: Path) -> None:
    for file in (folder / "item" / Embeddings.ARTIFACT).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    np.save(tmp_path / "content_marks.npy", np.ones(ITEMS - 1, np.uint32))
    with pytest.raises(ArtifactRefusedError, match="19 content marks for 20 items"):
        LOADERS[Embeddings.ARTIFACT](tmp_path, columns)
