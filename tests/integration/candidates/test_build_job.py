from pathlib import Path

import pytest

from services.candidates.artifacts.neighbors import Neighbors
from services.candidates.jobs.build import build_candidates
from services.candidates.settings import CandidatesSettings
from services.common.artifacts import ArtifactStore
from services.common.clock import SystemClock
from tests.support.candidates_shop import Shop
from tests.support.fake_shop_services import fake_catalog, fake_event_log, fake_users, serving
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1 import event_pb2
from vitrine.events.v1.event_service_pb2 import LoggedEvent
from vitrine.features.v1.item_pb2 import Item


def purchase(user: int, item_id: str) -> LoggedEvent:
    logged = LoggedEvent()
    logged.event.visitor.CopyFrom(Visitor(user_id=str(user)))
    logged.event.item_id = item_id
    logged.event.type = event_pb2.EVENT_TYPE_PURCHASE
    logged.event.event_time.seconds = 1_700_000_000
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
