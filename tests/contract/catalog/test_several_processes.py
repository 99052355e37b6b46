"""Several processes write one catalog, and all read the same."""

import asyncio
import sys
from collections.abc import Callable
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from services.features.catalog import catalog as catalog_module
from services.features.catalog.catalog import Catalog
from services.features.store.store import Store
from tests.contract.catalog.processes import NOW, Processes, delete, everything, find, item, upsert
from tests.contract.catalog.writing_process import ITEMS, last_words
from vitrine.features.v1 import catalog_service_pb2 as pb

T = TypeVar("T")


async def test_what_one_writes_the_others_follow(processes: Processes) -> None:
    here, there = await processes.open(), await processes.open()
    await upsert(here, item("a", brand="Acme", group_id="g", stock=3), item("b", path=["Books"]), item("c"))
    await delete(here, "b", "never seen")
    await here.reserve(["seen in an event"], NOW)
    assert there.item_no("a") is None
    await there.follow()
    assert await everything(there) == await everything(here)
    assert await everything(await processes.open()) == await everything(here)


async def test_a_writer_first_learns_what_others_wrote(processes: Processes) -> None:
    here, there = await processes.open(), await processes.open()
    size = item("a", brand="Acme", group_id="g")
    size.attributes["size"].number = 4.0
    [first] = await upsert(here, size)
    weight = item("b", path=["Food", "Tea", "Green"], brand="Acme", group_id="g")
    weight.attributes["size"].text = "XL"
    refused, second = await upsert(there, weight, item("c", path=["Food", "Tea", "Green"], brand="Other", group_id="g"))
    assert (refused.reason, refused.field) == ("ATTRIBUTE_TYPE_CHANGED", "updates[0].item.attributes.size")
    assert (first.item_no, second.item_no) == (1, 2)
    await here.follow()
    assert await everything(here) == await everything(there)
    assert here.numbers.brands == {"Acme": 1, "Other": 2}
    assert len(here.numbers.groups) == 1
    assert here.numbers.path_nos(3) == [1, 2, 3]


async def test_a_number_that_was_handed_out_for_an_event_is_the_items(processes: Processes) -> None:
    here, there = await processes.open(), await processes.open()
    await here.reserve(["x", "y"], NOW)
    await there.reserve(["y", "z"], NOW)
    [made] = await upsert(here, item("z"))
    assert [there.item_no(name) for name in "xyz"] == [1, 2, 3]
    assert (made.status, made.item_no) == (pb.ITEM_STATUS_CREATED, 3)


async def test_only_newer_updates_win_whoever_gets_them(processes: Processes) -> None:
    here, there = await processes.open(), await processes.open()
    await upsert(here, item("x", 10, title="new", stock=5, brand="Acme"))
    statuses = [
        *(await upsert(there, item("x", 9, title="old"))),
        *(await upsert(there, item("x", 10, title="new", stock=5, brand="Acme"))),
        *(await upsert(there, item("x", 12, price=9.0, title="ignored"), mask=["price"])),
        *(await upsert(here, item("x", 11, title="newer", price=1.0))),
    ]
    assert [result.status for result in statuses] == [
        pb.ITEM_STATUS_OUTDATED,
        pb.ITEM_STATUS_UNCHANGED,
        pb.ITEM_STATUS_UPDATED,
        pb.ITEM_STATUS_UPDATED,
    ]
    await there.follow()
    found = await find(there, "x")
    assert found is not None
    assert (found.title, found.price, found.brand) == ("newer", 9.0, "")
    assert await everything(here) == await everything(there)


async def test_an_update_that_changes_nothing_makes_no_version(processes: Processes) -> None:
    here, there = await processes.open(), await processes.open()
    await upsert(here, item("x", 1))
    await there.follow()
    [again] = await upsert(here, item("x", 5))
    assert (again.status, here.version) == (pb.ITEM_STATUS_UNCHANGED, 1)
    assert await everything(here) == await everything(there)
    [late] = await upsert(there, item("x", 4, title="late"))
    assert late.status == pb.ITEM_STATUS_OUTDATED, "its time is kept all the same"


async def test_a_late_update_to_another_process_brings_nothing_back(processes: Processes) -> None:
    here, there = await processes.open(), await processes.open()
    await upsert(here, item("x", 1))
    await there.follow()
    assert (await delete(here, "x", seconds=5))[0].status == pb.ITEM_STATUS_DELETED
    assert (await upsert(there, item("x", 5)))[0].status == pb.ITEM_STATUS_OUTDATED
    assert (await upsert(there, item("x", 9, price=1.0), mask=["price"]))[0].reason == "ITEM_UNKNOWN"
    assert await find(there, "x") is None
    [back] = await upsert(there, item("x", 6))
    assert (back.status, back.item_no) == (pb.ITEM_STATUS_CREATED, 1)


async def test_updates_without_a_time_hold_as_they_come_though_clocks_differ(processes: Processes) -> None:
    ahead, behind = await processes.open(), await processes.open()
    await upsert(ahead, item("x", stock=2), skew=20)
    [result] = await upsert(behind, item("x", stock=1))
    assert result.status == pb.ITEM_STATUS_UPDATED
    assert (await delete(behind, "x"))[0].status == pb.ITEM_STATUS_DELETED
    [back] = await upsert(behind, item("x", stock=4))
    assert back.status == pb.ITEM_STATUS_CREATED


async def test_a_clock_gone_wrong_is_not_followed(processes: Processes) -> None:
    catalog = await processes.open()
    await upsert(catalog, item("x"), skew=3_600)
    await upsert(catalog, item("y"))
    found = await find(catalog, "y")
    assert found is not None
    assert found.update_time.seconds == int(NOW.timestamp())


async def test_tails_resume_with_any_process(processes: Processes) -> None:
    here, there = await processes.open(), await processes.open()
    for number in range(6):
        await upsert((here, there)[number % 2], item(f"i{number}"), item("all", title=f"Title {number}"))
    await here.follow()
    await there.follow()
    changes = await here.read_changes(0, 100, vectors=True)
    versions = [change.version for change in changes]
    assert versions == sorted(set(versions))
    assert [change.item_id for change in changes] == ["i0", "i1", "i2", "i3", "i4", "i5", "all"]
    for version in (0, *versions):
        rest = await there.read_changes(version, 100, vectors=True)
        assert rest == [change for change in changes if change.version > version]


async def test_a_process_that_was_away_for_long_takes_it_in_pieces(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "MAXIMUM_DELTA_ROWS", 7)
    here, there = await processes.open(), await processes.open()
    await upsert(here, *(item(f"i{number}", path=["Food", f"c{number % 5}"]) for number in range(30)))
    await upsert(here, *(item(f"i{number}", price=7.0) for number in range(0, 30, 2)))
    await upsert(there, item("own"))
    await here.follow()
    assert await everything(there) == await everything(here)


async def test_a_transaction_that_is_done_again_gives_no_second_number(processes: Processes) -> None:
    """The connection broke as it committed: nobody can tell whether it did, and the work is done again."""
    repeating, other = await processes.open(RepeatingStore), await processes.open()
    await upsert(repeating, item("a", 1, brand="Acme", group_id="g"), item("b", 1, brand="Other"))
    await other.follow()
    assert await everything(repeating) == await everything(other)
    assert [repeating.item_no("a"), repeating.item_no("b")] == [1, 2]
    assert repeating.numbers.brands == {"Acme": 1, "Other": 2}


class RepeatingStore(Store):
    """Does every work twice, and commits it twice."""

    def _write(self, work: Callable[[Connection], T]) -> T:
        super()._write(work)
        return super()._write(work)


@pytest.mark.slow
async def test_processes_that_write_at_once(processes: Processes) -> None:
    """Two write the same items, one follows: all agree at the end, and the last update of each item holds."""
    reader = await processes.open()
    program = [sys.executable, "-m", "tests.contract.catalog.writing_process", processes.url]
    writers = [await asyncio.create_subprocess_exec(*program, str(seed)) for seed in (1, 2)]
    seen: dict[str, pb.CatalogChange] = {}
    version = 0
    while any(writer.returncode is None for writer in writers):
        version = await _tailed(reader, version, seen)
        await asyncio.sleep(0.02)
    await _tailed(reader, version, seen)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert await everything(reader) == await everything(await processes.open())
    names = [str(name) for name in range(ITEMS)]
    assert sorted(reader.item_no(name) or 0 for name in names) == list(range(1, ITEMS + 1)), "one number each"
    # An item that was never there, since its deletion came first, is no change.
    titles = {name: seen[name].item.title if name in seen else "" for name in names}
    assert titles == last_words()
    assert all(change.item_no == reader.item_no(name) for name, change in seen.items())
    assert sorted(reader.numbers.brands.values()) == list(range(1, len(reader.numbers.brands) + 1))


async def _tailed(reader: Catalog, version: int, seen: dict[str, pb.CatalogChange]) -> int:
    """Reads on from a version as a tail does: its changes come by version, and none comes twice."""
    await reader.follow()
    end = reader.version
    while changes := await reader.read_changes(version, 50, vectors=True):
        for change in changes:
            assert change.version > version
            version = change.version
            seen[change.item_id] = change
    return end
