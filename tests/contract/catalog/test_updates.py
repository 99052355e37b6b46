"""What the catalog makes of updates, on each engine."""

import itertools
import unicodedata

import pytest

from services.features.catalog.category_tree import list_branch
from tests.contract.catalog.processes import Processes, delete, everything, find, item, upsert
from vitrine.features.v1 import catalog_service_pb2 as pb
from vitrine.features.v1.item_pb2 import Item

ODD_NAMES = [
    "A",
    "a",
    unicodedata.normalize("NFC", "é"),
    unicodedata.normalize("NFD", "é"),
    "e",
    "ß",
    "ss",
    "zero\u200bwidth",
    "zerowidth",
    "\ufeffx",
    "x",
    "x ",
    " x",
    "'; DROP TABLE items; --",
    '" OR 1=1 /*',
    "100%",
    "100_",
    "\\",
    "\\'",
    "`",
    "a/b;c,d|e",
    "\U0001f375 tea/\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "NULL",
    "0",
    "x" * 256,
    "\u65e5" * 85,
]


async def test_odd_names_are_taken_to_the_letter(processes: Processes) -> None:
    catalog = await processes.open()
    results = await upsert(
        catalog,
        *(item(name, 1, ["Odd", name], title=f"<{name}>"[:256], brand=name, group_id=name) for name in ODD_NAMES),
    )
    assert [result.status for result in results] == [pb.ITEM_STATUS_CREATED] * len(ODD_NAMES)
    for numbers in (catalog.numbers.brands, catalog.numbers.groups):
        assert set(numbers) == set(ODD_NAMES)
        assert len(set(numbers.values())) == len(ODD_NAMES)
    assert len({result.item_no for result in results}) == len(ODD_NAMES)
    again = await processes.open()
    assert await everything(again) == await everything(catalog)
    for name in ODD_NAMES:
        found = await find(again, name)
        assert found is not None
        assert (found.item_id, found.title) == (name, f"<{name}>"[:256])
    assert {result.status for result in await delete(again, *ODD_NAMES)} == {pb.ITEM_STATUS_DELETED}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
async def test_a_newer_price_does_not_keep_a_deleted_item(processes: Processes, order: tuple[int, ...]) -> None:
    """The whole item of second 1, its deletion of 5 and a price of 9 arrive in any order: it is gone."""
    catalog = await processes.open()
    for update in order:
        if update == 0:
            await upsert(catalog, item("x", 1))
        elif update == 1:
            await delete(catalog, "x", seconds=5)
        else:
            await upsert(catalog, Item(item_id="x", price=9.0, update_time=item("x", 9).update_time), mask=["price"])
    assert await find(catalog, "x") is None
    assert [result.status for result in await upsert(catalog, item("x", 10))] == [pb.ITEM_STATUS_CREATED]


@pytest.mark.parametrize(
    ("path", "value"),
    [("price", 9.0), ("stock", 0), ("list_price", 8.0), ("hidden", True), ("brand", "Other"), ("minimum_age", 18)],
)
async def test_a_masked_update_touches_nothing_else(processes: Processes, path: str, value: float | str) -> None:
    catalog = await processes.open()
    whole = item("x", 1, brand="Acme", group_id="g", stock=5, description="d", badges=["new"], margin=0.5)
    whole.attributes["size"].number = 4.0
    whole.vectors["text"].values.extend([0.5, 1.0])
    whole.category_paths.add().names.extend(["Gifts"])
    await upsert(catalog, whole)
    part = Item(item_id="x", title="ignored", **{path: value})  # type: ignore[arg-type]  # the field that the mask names
    part.update_time.seconds = whole.update_time.seconds + 1
    assert (await upsert(catalog, part, mask=[path]))[0].status == pb.ITEM_STATUS_UPDATED
    expected = Item()
    expected.CopyFrom(whole)
    setattr(expected, path, value)
    expected.update_time.CopyFrom(part.update_time)
    again = await processes.open()
    assert await again.read_items([1], vectors=True) == {1: expected}


async def test_variants_windows_and_counts_of_categories(processes: Processes) -> None:
    catalog = await processes.open()
    window = item("window", path=["Food"])
    window.available_from_time.seconds, window.available_until_time.seconds = 0, 253_402_300_799
    await upsert(
        catalog,
        item("red", path=["Food", "Tea"], group_id="g"),
        item("blue", path=["Food", "Tea", "Green"], group_id="g"),
        window,
    )
    await upsert(catalog, item("blue", path=["Food", "Bread"], group_id="other"))  # it moves, and leaves its group
    for process in (catalog, await processes.open()):
        columns = process.columns
        assert columns["group_no"][1] != columns["group_no"][2] != columns["group_no"][3] == 3
        assert (columns["available_from_millis"][3], columns["available_until_millis"][3]) == (1, 253_402_300_799_000)
        nodes = list_branch(process.numbers, columns, 0)
        assert [(node.names, node.item_count) for node in nodes] == [
            (("Food",), 3),
            (("Food", "Bread"), 1),
            (("Food", "Tea"), 1),
            (("Food", "Tea", "Green"), 0),
        ]
