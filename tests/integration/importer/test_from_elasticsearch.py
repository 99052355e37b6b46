"""`vitrine import --from-elasticsearch` against a real server, with faults between."""

import asyncio
import csv
import gzip
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from elasticsearch import AsyncElasticsearch

from cli.errors import CommandError
from cli.importer import patience
from cli.importer.from_elasticsearch import copy_index
from cli.importer.from_elasticsearch.import_indexes import import_indexes
from cli.importer.options import ImportOptions
from services.candidates.settings import CandidatesSettings
from tests.support.elasticsearch_proxy import Asked, ElasticsearchProxy, answered
from tests.support.import_shop import FakeImportShop

pytestmark = pytest.mark.real

AWKWARD = ["a/b?c#d", "🧀 with holes", "ü" * 128, "..", "A", "a", '"quoted"\\']


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_index, "DELAYS", (0.01, 0.01, 0.01))
    monkeypatch.setattr(patience, "DELAYS", (0.01,))


@pytest.fixture
async def client(elasticsearch_address: str) -> AsyncIterator[AsyncElasticsearch]:
    async with AsyncElasticsearch(elasticsearch_address) as client:
        yield client


@pytest.fixture
async def index(client: AsyncElasticsearch) -> AsyncIterator[str]:
    name = f"import-{uuid.uuid4().hex[:12]}"
    shards = {"number_of_shards": 3, "number_of_replicas": 0}
    await client.indices.create(index=name, settings=shards, mappings={"dynamic": False})
    yield name
    await client.indices.delete(index=name)


@pytest.fixture
async def proxy(elasticsearch_address: str) -> AsyncIterator[ElasticsearchProxy]:
    async with ElasticsearchProxy(elasticsearch_address).open() as proxy:
        yield proxy


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[FakeImportShop]:
    async with FakeImportShop(tmp_path / "state").open() as shop:
        yield shop


def product(number: int, **fields: Any) -> dict[str, Any]:
    return {"sku": f"p{number}", "name": f"Tea {number}", "category": ["Food", "Tea"], "price": number % 50, **fields}


async def fill(client: AsyncElasticsearch, index: str, documents: Sequence[dict[str, Any]], ids: Sequence[str]) -> None:
    parts = [part for id_, document in zip(ids, documents, strict=True) for part in ({"index": {"_id": id_}}, document)]
    answer = await client.bulk(index=index, operations=parts, refresh=True)
    assert not answer["errors"]


async def fill_products(client: AsyncElasticsearch, index: str, count: int) -> None:
    for begin in range(0, count, 2_000):
        numbers = range(begin, min(begin + 2_000, count))
        await fill(client, index, [product(number) for number in numbers], [f"d{number}" for number in numbers])


def settings(address: str) -> CandidatesSettings:
    return CandidatesSettings(elasticsearch_url=address)


def copies(shop: FakeImportShop) -> list[str]:
    return sorted(path.suffix for path in (shop.state_directory / "imports").iterdir())


async def test_documents_become_items_and_bad_ones_rejects(
    client: AsyncElasticsearch, index: str, elasticsearch_address: str, shop: FakeImportShop
) -> None:
    documents = [
        product(1, attributes={"color": "red"}, updated_at="2025-01-01T00:00:00Z"),
        product(2, price=-1),
        product(3, price="cheap"),
        {"name": "no sku", "category": "Food > Tea"},
    ]
    await fill(client, index, documents, ["1", "2", "3", "4"])
    summary = await import_indexes(shop, [index], settings(elasticsearch_address))

    assert set(shop.catalog.items) == {"p1"}
    item = shop.catalog.items["p1"]
    assert (item.title, list(item.category_paths[0].names), item.price) == ("Tea 1", ["Food", "Tea"], 1.0)
    assert item.attributes["color"].text == "red"
    (file,) = summary.files
    assert (file.rows, file.sent, file.rejected) == (4, 1, 3)
    assert dict(file.reasons) == {"PRICE_OUT_OF_RANGE": 1, "NUMBER_UNREADABLE": 1, "FIELD_REQUIRED": 1}
    assert summary.rejects is not None
    # The rows that the rejects name can be looked up.
    with summary.rejects.open(encoding="utf-8", newline="") as text, gzip.open(file.file, "rt") as rows:
        lines = [json.loads(row)["_id"] for row in rows]
        rejected = {lines[int(reject["line"]) - 1]: reject["field"] for reject in csv.DictReader(text)}
    assert rejected == {"2": "price", "3": "price", "4": "item_id"}


async def test_ids_of_documents_serve_as_ids_of_items(
    client: AsyncElasticsearch, index: str, elasticsearch_address: str, shop: FakeImportShop
) -> None:
    await fill(client, index, [{"title": "Tea", "category": "Food"}] * len(AWKWARD), AWKWARD)
    await import_indexes(shop, [index], settings(elasticsearch_address))
    assert sorted(shop.catalog.items) == sorted(AWKWARD)
    assert copies(shop) == []


async def test_users_and_events_come_too_and_twice_changes_nothing(
    client: AsyncElasticsearch, index: str, elasticsearch_address: str, shop: FakeImportShop
) -> None:
    events = [{"user_id": f"u{number}", "type": "view", "item_id": "p1", "time": "2025-01-01"} for number in range(5)]
    await fill(client, index, events, [f"e{number}" for number in range(5)])
    for outcome in ("stored", "known"):
        summary = await import_indexes(
            shop, [f"events={index}", f"users={index}"], settings(elasticsearch_address), options=ImportOptions()
        )
        assert [file.outcomes[outcome] for file in summary.files if file.kind == "events"] == [5]
    assert sorted(shop.log.events) == [f"e{number}" for number in range(5)]
    assert len(shop.users.users) == 5


async def test_no_copy_of_what_people_did_stays_even_where_rows_were_rejected(
    client: AsyncElasticsearch, index: str, elasticsearch_address: str, shop: FakeImportShop
) -> None:
    seen = {"user_id": "u1", "type": "view", "item_id": "p1", "time": "2025-01-01"}
    await fill(client, index, [seen, {**seen, "type": "no such"}], ["1", "2"])
    summary = await import_indexes(shop, [f"events={index}"], settings(elasticsearch_address))
    assert summary.rejected > 0
    assert not [path for path in (shop.state_directory / "imports").iterdir() if path.name.endswith(".gz")]


async def test_a_killed_import_goes_on_where_it_ended(
    client: AsyncElasticsearch, index: str, proxy: ElasticsearchProxy, shop: FakeImportShop, monkeypatch: Any
) -> None:
    monkeypatch.setattr(copy_index, "PAGE", 1_000)
    await fill_products(client, index, 12_000)
    stuck = asyncio.Event()

    async def stop_after_six(asked: Asked) -> web.Response | None:
        if asked.path.endswith("/_search") and len(proxy.searches()) > 6:
            stuck.set()
            await asyncio.Event().wait()
        return None

    proxy.fault = stop_after_six
    command = ["--state-directory", str(shop.state_directory), "import", "--from-elasticsearch", index, "--dry-run"]
    environment = os.environ | {"VITRINE_CANDIDATES_ELASTICSEARCH_URL": proxy.address}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "cli.main", *command, env=environment)
    await asyncio.wait_for(stuck.wait(), 60)
    position = next((shop.state_directory / "imports").glob("*.position.json"))
    copied = json.loads(position.read_text())["rows"]
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert 0 < copied < 12_000

    proxy.fault, proxy.asked = None, []
    # What a kill in the middle of a page leaves.
    copy = next((shop.state_directory / "imports").glob("*.jsonl.gz"))
    with copy.open("ab") as file:
        file.write(b"\x1f\x8b half a page")
    await fill(client, index, [product(0, name="Changed meanwhile")], ["d0"])
    summary = await import_indexes(shop, [index], settings(proxy.address))
    assert len(shop.catalog.items) == 12_000
    assert shop.catalog.items["p0"].title in {"Changed meanwhile", "Tea 0"}
    assert 12_000 <= summary.files[0].rows <= 12_001
    # Three slices of four may each have been read by up to a page more than was written down.
    assert len(proxy.searches()) <= 12 + 4 - copied // 1_000 + 4
    assert copies(shop) == []


async def test_a_lost_point_in_time_and_an_overloaded_cluster_are_gone_on_from(
    client: AsyncElasticsearch, index: str, proxy: ElasticsearchProxy, shop: FakeImportShop, monkeypatch: Any
) -> None:
    monkeypatch.setattr(copy_index, "PAGE", 100)
    await fill_products(client, index, 3_000)
    lost = {"error": {"type": "search_phase_execution_exception", "caused_by": "search_context_missing_exception"}}
    faults = {5: answered(lost, 404), 11: answered({"error": "busy"}, 429), 17: answered({"error": "red"}, 503)}

    async def now_and_then(asked: Asked) -> web.Response | None:
        return faults.pop(len(proxy.searches()), None) if asked.path.endswith("/_search") else None

    proxy.fault = now_and_then
    summary = await import_indexes(shop, [index], settings(proxy.address))
    assert not faults
    assert len(shop.catalog.items) == summary.files[0].rows == 3_000
    assert len([asked for asked in proxy.asked if asked.path.endswith("/_pit") and asked.method == "POST"]) == 4


async def test_what_is_of_another_index_is_not_mixed_in(
    client: AsyncElasticsearch, index: str, elasticsearch_address: str, shop: FakeImportShop
) -> None:
    await fill_products(client, index, 10)
    await import_indexes(shop, [index], settings(elasticsearch_address), options=ImportOptions(dry_run=True))
    assert copies(shop) == [".gz", ".json"]
    await client.indices.delete(index=index)
    await fill(client, index, [product(77)], ["d77"])
    await import_indexes(shop, [index], settings(elasticsearch_address))
    assert set(shop.catalog.items) == {"p77"}


async def test_a_dry_run_leaves_the_copy_for_the_import(
    client: AsyncElasticsearch, index: str, proxy: ElasticsearchProxy, shop: FakeImportShop, monkeypatch: Any
) -> None:
    monkeypatch.setattr(copy_index, "PAGE", 50)
    await fill_products(client, index, 1_500)
    await import_indexes(shop, [index], settings(proxy.address), options=ImportOptions(dry_run=True))
    assert not shop.catalog.items
    assert len(proxy.searches()) > 30
    proxy.asked = []
    await import_indexes(shop, [index], settings(proxy.address))
    assert len(shop.catalog.items) == 1_500
    # Each slice is asked what comes after its end, where its last document stands.
    assert len(proxy.searches()) <= 2 * copy_index.SLICES


async def test_an_index_that_is_not_there(elasticsearch_address: str, shop: FakeImportShop) -> None:
    for name in ("nowhere-at-all", "nowhere-*"):
        with pytest.raises(CommandError, match="has no index"):
            await import_indexes(shop, [name], settings(elasticsearch_address))


async def test_two_imports_of_one_index_do_not_get_into_each_others_way(
    client: AsyncElasticsearch, index: str, proxy: ElasticsearchProxy, shop: FakeImportShop
) -> None:
    await fill_products(client, index, 10)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def hold(_: Asked) -> None:
        begun.set()
        await go_on.wait()

    proxy.fault = hold
    first = asyncio.create_task(import_indexes(shop, [index], settings(proxy.address)))
    await begun.wait()
    with pytest.raises(CommandError, match="being imported already"):
        await import_indexes(shop, [index], settings(proxy.address))
    go_on.set()
    assert (await first).files[0].sent == 10
