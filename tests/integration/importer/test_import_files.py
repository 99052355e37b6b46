import asyncio
import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypedDict

import grpc
import pytest

from cli.errors import CommandError, ExitCode
from cli.importer import importing, patience, wait
from cli.importer.importing import import_files
from cli.importer.options import ImportOptions
from tests.support.import_shop import FakeImportShop

ITEMS = """item_id;title;category;price;update_time
007;Café crème;Food > Coffee;1.299,00 €;2025-01-01
1e5;Tea;Food > Tea;5,50 €;2025-01-01
bad;Milk;Food;cheap;2025-01-01
007;Café;Food > Coffee;9,00 €;2025-02-01
negative;Water;Food;-1;
untitled;;Food;1;
"""
USERS = "user_id,age_band,email\nu1,25-34,a@example.com\nu2,,b@example.com\n"
EVENTS = """customer_id,action,product_id,time,qty
u1,purchase,007,2025-03-01T10:00:00Z,2
u1,purchase,007,2025-03-01T10:00:00Z,2
u1,view,forbidden,2025-03-01T11:00:00Z,
u2,buy,1e5,not a time,1
,view,007,2025-03-01T12:00:00Z,
u2,view,007,2025-03-01T12:00:00Z,
"""


class Files(TypedDict):
    items: list[Path]
    users: list[Path]
    events: list[Path]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "DELAYS", (0.01, 0.01, 0.01))
    monkeypatch.setattr(wait, "POLL_SECONDS", 0.001)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[FakeImportShop]:
    async with FakeImportShop(tmp_path / "state").open() as shop:
        yield shop


@pytest.fixture
def files(tmp_path: Path) -> Files:
    texts = {"items": ITEMS, "users": USERS, "events": EVENTS}
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="cp1252" if name == "items" else "utf-8")
    return {
        "items": [tmp_path / "items.csv"],
        "users": [tmp_path / "users.csv"],
        "events": [tmp_path / "events.csv"],
    }


def events_file(tmp_path: Path, count: int) -> Path:
    path = tmp_path / "many.csv"
    lines = [f"e{number},u{number % 7},view,i{number % 5},2025-01-01" for number in range(count)]
    path.write_text("\n".join(["event_id,user_id,type,item_id,time", *lines]), encoding="utf-8")
    return path


async def test_good_rows_go_in_and_every_bad_one_is_accounted_for(shop: FakeImportShop, files: Files) -> None:
    summary = await import_files(shop, **files)

    assert set(shop.catalog.items) == {"007", "1e5"}
    assert shop.catalog.items["007"].title == "Café"
    assert shop.catalog.items["1e5"].price == 5.5
    assert shop.catalog.items["1e5"].currency_code == "EUR"
    assert shop.users.users["u1", ""].attributes["age_band"].text == "25-34"
    assert "email" not in shop.users.users["u1", ""].attributes
    assert sorted(event.visitor.user_id for event in shop.log.events.values()) == ["u1", "u2"]
    assert summary.rejects == shop.state_directory / "imports" / "items.csv.rejects.csv"
    with summary.rejects.open(encoding="utf-8", newline="") as text:
        rejects = [(Path(row["file"]).name, row["line"], row["field"], row["reason"]) for row in csv.DictReader(text)]
    assert sorted(rejects) == [
        ("events.csv", "4", "item_id", "ITEM_FORBIDDEN"),
        ("events.csv", "5", "event_time", "TIME_UNREADABLE"),
        ("events.csv", "6", "user_id", "FIELD_REQUIRED"),
        ("items.csv", "4", "price", "NUMBER_UNREADABLE"),
        ("items.csv", "6", "price", "PRICE_OUT_OF_RANGE"),
        ("items.csv", "7", "title", "FIELD_REQUIRED"),
    ]
    for file in summary.files:
        assert file.rows == file.sent + file.duplicates + file.rejected
    assert [file.unmapped for file in summary.files] == [(), ("email",), ()]
    assert [file.duplicates for file in summary.files] == [1, 0, 1]


async def test_importing_twice_changes_nothing(shop: FakeImportShop, files: Files) -> None:
    first = await import_files(shop, **files)
    before = (dict(shop.catalog.items), dict(shop.users.users), dict(shop.log.events))
    second = await import_files(shop, **files)

    assert (shop.catalog.items, shop.users.users, shop.log.events) == before
    assert [dict(file.outcomes) for file in first.files] == [{"created": 2}, {"created": 2}, {"stored": 2}]
    outcomes = [+file.outcomes for file in second.files]
    assert outcomes == [{"unchanged": 2}, {"unchanged": 2}, {"known": 2}]
    assert second.rejected == first.rejected


async def test_a_dry_run_sends_nothing_and_finds_what_the_services_would(shop: FakeImportShop, files: Files) -> None:
    summary = await import_files(shop, **files, options=ImportOptions(dry_run=True))

    assert not shop.catalog.items
    assert not shop.log.events
    assert summary.files[0].reasons["PRICE_OUT_OF_RANGE"] == 1
    assert [file.outcomes["checked"] for file in summary.files] == [2, 2, 3]


async def test_services_that_are_just_starting_are_waited_for(shop: FakeImportShop, files: Files) -> None:
    shop.catalog.failures = shop.log.failures = 2
    await import_files(shop, **files)
    assert len(shop.catalog.items) == 2
    assert len(shop.log.events) == 2


async def test_a_broken_stream_goes_on_with_what_was_not_answered(
    shop: FakeImportShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(importing.BATCH_LIMITS, "events", 10)
    shop.log.break_after = 4
    summary = await import_files(shop, events=[events_file(tmp_path, 95)])

    assert len(shop.log.events) == 95
    assert summary.files[0].sent == 95
    assert max(shop.log.batch_sizes) == 10
    # What was stored and not answered came again.
    assert len(shop.log.batch_sizes) > 10


async def test_a_service_that_stays_away_ends_the_import_with_advice(tmp_path: Path) -> None:
    shop = FakeImportShop(tmp_path)
    with pytest.raises(CommandError, match=r"events service does not answer.*vitrine up.*same import again") as caught:
        await import_files(shop, events=[events_file(tmp_path, 3)])
    assert caught.value.exit_code == ExitCode.NOT_RUNNING


async def test_an_error_that_waiting_does_not_help_is_passed_on(
    shop: FakeImportShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too large")

    monkeypatch.setattr(shop.catalog, "UpsertItems", refuse)
    items = tmp_path / "items.csv"
    items.write_text("item_id,title,category\n1,Tea,Food\n", encoding="utf-8")
    async with shop.open():
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await import_files(shop, items=[items])
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_the_same_event_in_two_chunks_counts_once(shop: FakeImportShop, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    row = "u1,view,i1,2025-01-01T00:00:00Z\n"
    file.write_text("user_id,type,item_id,time\n" + row * 5 + "u2,view,i1,2025-01-01\n", encoding="utf-8")
    summary = await import_files(shop, events=[file], options=ImportOptions(rows_per_chunk=2))

    assert len(shop.log.events) == 2
    assert summary.files[0].duplicates == 4
    assert summary.files[0].outcomes == {"stored": 2}


async def test_batches_stay_below_the_limit_of_a_message(shop: FakeImportShop, tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    rows = [f'{number},Tea,Food,"{"x" * 60_000}"' for number in range(120)]
    file.write_text("\n".join(["item_id,title,category,description", *rows]), encoding="utf-8")
    await import_files(shop, items=[file])

    assert len(shop.catalog.items) == 120
    assert max(shop.catalog.batch_sizes) * 60_000 < 4 << 20


async def test_a_partial_import_names_only_the_fields_that_there_are_columns_for(
    shop: FakeImportShop, tmp_path: Path
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("sku,stock,attribute.color\n1,5,red\n", encoding="utf-8")
    await import_files(shop, items=[file], options=ImportOptions(partial=True))
    assert shop.catalog.masks == [["stock", "attributes.color"]]


async def test_waiting_ends_when_the_features_know_every_event(shop: FakeImportShop, tmp_path: Path) -> None:
    await import_files(shop, events=[events_file(tmp_path, 9)], options=ImportOptions(wait=True))
    assert shop.features.saved == 9


@pytest.mark.parametrize(("saved", "swing"), [(0, 0), (5, 0), (5, 3)], ids=["none", "some", "two who know differently"])
async def test_features_that_get_no_further_are_not_waited_for_for_ever(
    shop: FakeImportShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved: int, swing: int
) -> None:
    monkeypatch.setattr(wait, "STALLED_SECONDS", 0.005)
    shop.features.saved, shop.features.swing, shop.features.step = saved, swing, 0
    with pytest.raises(CommandError, match=f"{9 - saved} events yet to apply"):
        await import_files(shop, events=[events_file(tmp_path, 9)], options=ImportOptions(wait=True))


async def test_rejects_of_the_import_before_do_not_stay(shop: FakeImportShop, tmp_path: Path) -> None:
    file, rejects = tmp_path / "users.csv", tmp_path / "rejects.csv"
    options = ImportOptions(rejects=rejects)
    file.write_text("user_id,age_band\n,25\n", encoding="utf-8")
    assert (await import_files(shop, users=[file], options=options)).rejects == rejects
    file.write_text("user_id,age_band\nu1,25\n", encoding="utf-8")
    assert (await import_files(shop, users=[file], options=options)).rejects is None
    assert not rejects.exists()


async def test_nothing_is_sent_where_any_file_is_wrong(shop: FakeImportShop, files: Files) -> None:
    files["events"][0].write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"events\.csv has no column for type") as caught:
        await import_files(shop, **files)
    assert caught.value.exit_code == ExitCode.USAGE
    assert not shop.catalog.items


async def test_an_interrupted_import_is_completed_by_the_next(shop: FakeImportShop, tmp_path: Path) -> None:
    file = events_file(tmp_path, 2_000)
    options = ImportOptions(rows_per_chunk=50)
    importing_task = asyncio.create_task(import_files(shop, events=[file], options=options))
    await shop.log.first_batch.wait()
    importing_task.cancel()
    await asyncio.gather(importing_task, return_exceptions=True)
    await import_files(shop, events=[file], options=options)
    assert len(shop.log.events) == 2_000
