from pathlib import Path

import numpy as np
import pytest

from services.candidates.artifacts.group_tastes import GroupTastes
from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.artifacts.repeats import Repeats
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.jobs.build import Built, build_candidates
from services.candidates.settings import CandidatesSettings
from services.common.artifacts import ArtifactStore
from services.common.clock import SystemClock
from tests.support.candidates_shop import Shop
from tests.support.fake_shop_services import fake_catalog, fake_event_log, fake_users, serving
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1 import event_pb2
from vitrine.events.v1.event_service_pb2 import LoggedEvent
from vitrine.features.v1.item_pb2 import Item

DAY = 86_400


def purchase(user: int, item_id: str, day: int = 0) -> LoggedEvent:
    logged = LoggedEvent()
    logged.event.visitor.CopyFrom(Visitor(user_id=str(user)))
    logged.event.item_id = item_id
    logged.event.type = event_pb2.EVENT_TYPE_PURCHASE
    logged.event.event_time.seconds = 1_700_000_000 + day * DAY
    return logged


async def test_the_job_reads_both_services_and_publishes_what_loads(tmp_path: Path) -> None:
    shop, catalog = Shop(), fake_catalog()
    for item_no in range(1, 5):
        await catalog.put(shop.change(item_no, Item(title="cup", price=1.0)))
    await catalog.put(shop.change(4))  # deleted
    for kept in catalog.changes:
        shop.inputs.columns.apply(kept)
    baskets = [(user, f"item-{item_no}") for user in range(60) for item_no in (1, 2, 4)]
    baskets += [(user, "item-3") for user in range(100, 130)]
    log = fake_event_log([purchase(user, item_id) for user, item_id in [*baskets, (1, "nobody knows it")]])
    store = ArtifactStore(tmp_path)
    async with serving(catalog, users=fake_users(), log=log) as address:
        settings = CandidatesSettings(features_address=address, events_address=address)
        built = await build_candidates(settings, store, SystemClock())
    artifact = built.artifacts["neighbors"]
    assert store.current("neighbors") == artifact
    assert artifact.metadata["catalog_version"] == 5
    assert artifact.metadata["interactions"] == 150
    loaded = Neighbors.load(artifact.path, shop.inputs.columns)
    by_item = dict(zip(loaded.item_nos.tolist(), range(3), strict=True))
    assert set(by_item) == {1, 2, 3}
    assert loaded.neighbors.tolist() == [2, 1]
    assert loaded.supports.tolist() == [60, 60]
    assert loaded.similarities == pytest.approx([60 / 70] * 2, rel=1e-5)


async def test_a_log_without_pairs_publishes_nothing(tmp_path: Path) -> None:
    catalog, store = fake_catalog(), ArtifactStore(tmp_path)
    async with serving(catalog, users=fake_users(), log=fake_event_log([])) as address:
        settings = CandidatesSettings(features_address=address, events_address=address)
        built = await build_candidates(settings, store, SystemClock())
    assert (built.artifacts, built.refused) == ({}, {})
    assert store.current("neighbors") is None


async def build(tmp_path: Path, log: list[LoggedEvent], attributes: dict[str, dict[str, str]] | None = None) -> Built:
    shop, catalog = Shop(), fake_catalog()
    for item_no in range(1, 6):
        await catalog.put(shop.change(item_no, Item(title="cup", price=1.0)))
    async with serving(catalog, users=fake_users(attributes), log=fake_event_log(log)) as address:
        settings = CandidatesSettings(features_address=address, events_address=address)
        return await build_candidates(settings, ArtifactStore(tmp_path), SystemClock())


async def test_every_table_is_made_and_loads(tmp_path: Path) -> None:
    log = [purchase(user, f"item-{item_no}", day) for user in range(40) for day, item_no in enumerate((1, 2, 3, 1))]
    log += [purchase(user, f"item-{item_no}", 9) for user in range(40) for item_no in (4, 5)]
    log += [purchase(user, "item-2", 9) for user in range(100, 140)]
    built = await build(tmp_path, log, {str(user): {"region": "north"} for user in range(20)})
    assert built.refused == {}
    shop = Shop()
    for item_no in range(1, 6):
        shop.put(item_no)
    columns = shop.inputs.columns
    loaded = {
        name: load(built.artifacts[name].path, columns)
        for name, load in (
            ("neighbors", Neighbors.load),
            ("followers", Neighbors.load),
            ("companions", Neighbors.load),
            ("user_ratings", UserRatings.load),
            ("group_tastes", GroupTastes.load),
            ("repeats", Repeats.load),
        )
    }
    assert loaded.keys() == built.artifacts.keys()
    followers, companions, tastes = loaded["followers"], loaded["companions"], loaded["group_tastes"]
    assert isinstance(followers, Neighbors)
    assert followers.of(np.array([3], np.uint32))[1].tolist() == [4, 5]
    assert isinstance(companions, Neighbors)
    assert companions.item_nos[np.diff(companions.starts) > 0].tolist() == [4, 5]
    assert isinstance(tastes, GroupTastes)
    assert tastes.groups == (("region", "north"),)
    assert set(built.artifacts["neighbors"].metadata) >= {"catalog_version", "quality", "settings", "pairs"}


async def test_tables_that_foresee_less_than_the_floor_are_kept_back(tmp_path: Path) -> None:
    log = [purchase(user, f"item-{item_no}") for user in range(80) for item_no in (1, 2)]
    log += [purchase(user, "item-3") for user in range(40)]
    log += [purchase(user, "item-3", 2) for user in range(40, 80)]
    first = await build(tmp_path, log)
    assert first.artifacts["neighbors"].metadata["quality"] == 1.0
    # What comes two days later nobody could foresee.
    log += [purchase(user, "item-1", 3) for user in range(80, 120)]
    log += [purchase(user, "item-4", 3) for user in range(200, 205)]
    log += [purchase(user, "item-4", 9) for user in range(80, 120)]
    second = await build(tmp_path, log)
    assert "is not made current: its recall@100" in second.refused["neighbors"]
    current = ArtifactStore(tmp_path).current("neighbors")
    assert current is not None
    assert current.version == first.artifacts["neighbors"].version
    # What has no measure is not held back.
    assert "user_ratings" in second.artifacts


async def test_the_same_log_gives_the_same_tables(tmp_path: Path) -> None:
    log = [purchase(user, f"item-{1 + (user * step) % 5}", step) for user in range(60) for step in range(5)]
    one, other = await build(tmp_path / "a", log), await build(tmp_path / "b", log)
    assert one.artifacts.keys() == other.artifacts.keys()
    for name, artifact in one.artifacts.items():
        assert artifact.files == other.artifacts[name].files
