"""How long a static page may stand in for the real one."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from services.common.signing import Signer
from services.common.telemetry.metrics import Metrics
from services.common.timestamps import millis_to_timestamp
from services.homepage.metrics import HomepageMetrics
from services.homepage.settings import HomepageSettings
from services.homepage.static_pages.static_pages import StaticPages
from tests.unit.homepage.columns import NOW, query
from vitrine.homepage.v1 import page_pb2

MAX_AGE = 60.0
LIMIT = int(MAX_AGE * 1000)


def static_pages(folder: Path) -> tuple[StaticPages, CollectorRegistry]:
    metrics = Metrics("homepage")
    return StaticPages(folder, Signer(b"k" * 32), HomepageMetrics(metrics), max_age_seconds=MAX_AGE), metrics.registry


def page(made_millis: int) -> page_pb2.Page:
    card = page_pb2.Card(item=page_pb2.CardItem(item_id="a", kind="PRODUCT"))
    shelf = page_pb2.Shelf(shelf_id="popular", kind=page_pb2.SHELF_KIND_POPULAR, cards=[card])
    return page_pb2.Page(serve_time=millis_to_timestamp(made_millis), shelves=[shelf])


def expired(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("vitrine_homepage_expired_static_pages_total")


AGES = [(0, True), (LIMIT, True), (LIMIT + 1, False), (86_400_000, False), (-LIMIT - 1, False)]


@pytest.mark.parametrize(("age", "shown"), AGES)
async def test_page_in_memory_expires(tmp_path: Path, age: int, shown: bool) -> None:
    pages, registry = static_pages(tmp_path)
    await pages.keep("home", page(NOW - age))
    answer = pages.answer(query(), ["FEATURES_UNAVAILABLE"])
    assert (answer is not None) == shown
    assert expired(registry) == (0 if shown else 1)


@pytest.mark.parametrize(("age", "shown"), AGES)
async def test_page_of_earlier_process_expires(tmp_path: Path, age: int, shown: bool) -> None:
    earlier, _ = static_pages(tmp_path)
    await earlier.keep("home", page(NOW - age))
    pages, registry = static_pages(tmp_path)
    pages.load(["home", "feed"], NOW)
    assert (pages.answer(query(), ["FEATURES_UNAVAILABLE"]) is not None) == shown
    assert expired(registry) == (0 if shown else 1)


def test_maximum_age_must_cover_the_refresh_interval() -> None:
    assert HomepageSettings().static_page_max_age_seconds == 1800
    with pytest.raises(ValidationError, match="set at least 60"):
        HomepageSettings(static_page_seconds=60, static_page_max_age_seconds=59)
