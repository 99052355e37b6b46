"""The import against the event log and the feature store themselves."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from cli.importer.importing import import_files
from cli.importer.options import ImportOptions
from services.common.channels import open_channel
from services.common.server import running
from services.events.app import build as build_events
from services.events.settings import EventsSettings
from services.features.app import build as build_features
from services.features.settings import FeaturesSettings
from tests.support.migrated_stores import lay_stores
from vitrine.common.v1 import visitor_pb2
from vitrine.features.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    feature_service_pb2,
    feature_service_pb2_grpc,
)

ITEMS = """item_id;title;department;category;price;attribute.width_cm;available_until
007;Crème brûlée;Food;Desserts;1.299,00 €;12 mm;9999-12-31
a/b;Tea 🍵;Food;Drinks;5,50 €;;
cheap;Milk;Food;Dairy;-1;;
"""
USERS = "user_id,age_band,consent\nu1,25-34,personal\nu2,,\n"
EVENTS = """user_id,event,item_id,timestamp,quantity,order_id
u1,purchase,007,1735725600,2,o1
u1,view,a/b,2025-01-02T10:00:00+01:00,,
u1,view,a/b,2025-01-02T09:00:00Z,,
u2,purchase,007,2999-01-01,1,o2
"""


@dataclass(frozen=True)
class Shop:
    state_directory: Path
    addresses: Mapping[str, str]

    @asynccontextmanager
    async def channel(self, name: str) -> AsyncIterator[grpc.aio.Channel]:
        async with open_channel(self.addresses[name]) as channel:
            yield channel


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    state = tmp_path / "state"
    lay_stores(state)
    log_settings = EventsSettings(port=0, state_directory=state, grace_seconds=0)
    async with running(log_settings, build_events(log_settings)) as log:
        settings = FeaturesSettings(port=0, state_directory=state, events_address=log.address, grace_seconds=0)
        async with running(settings, build_features(settings)) as features:
            yield Shop(state, {"events": log.address, "features": features.address})


async def test_what_is_imported_is_there_and_importing_twice_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    for name, text in (("items", ITEMS), ("users", USERS), ("events", EVENTS)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    items, users, events = ([tmp_path / f"{name}.csv"] for name in ("items", "users", "events"))
    options = ImportOptions(wait=True)

    first = await import_files(shop, items=items, users=users, events=events, options=options)
    second = await import_files(shop, items=items, users=users, events=events, options=options)

    assert [+file.outcomes for file in first.files] == [{"created": 2}, {"created": 2}, {"stored": 2}]
    assert [+file.outcomes for file in second.files] == [{"unchanged": 2}, {"unchanged": 2}, {"known": 2}]
    for summary in (first, second):
        assert [dict(file.reasons) for file in summary.files] == [
            {"PRICE_OUT_OF_RANGE": 1},
            {},
            {"EVENT_TIME_IN_FUTURE": 1},
        ]
    async with shop.channel("features") as channel:
        catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        found = await catalog.LookupItems(catalog_service_pb2.LookupItemsRequest(item_ids=["007", "a/b"]), timeout=10)
        features = await feature_service_pb2_grpc.FeatureServiceStub(channel).GetUserFeatures(
            feature_service_pb2.GetUserFeaturesRequest(visitor=visitor_pb2.Visitor(user_id="u1")), timeout=10
        )
    first_item = found.items[0].item
    assert first_item.price == 1299.0
    assert first_item.currency_code == "EUR"
    assert list(first_item.category_paths[0].names) == ["Food", "Desserts"]
    assert first_item.attributes["width_cm"].number == pytest.approx(1.2)
    assert features.features.known
