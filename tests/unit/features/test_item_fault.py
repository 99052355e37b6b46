import math
from collections.abc import Callable
from typing import Any

import pytest

from services.features.catalog.item_fault import item_fault, settle_zeros
from vitrine.features.v1.item_pb2 import Item


def good() -> Item:
    item = Item(item_id="x", title="Tea", price=1.5)
    item.category_paths.add().names.extend(["Drinks", "Tea / green; \U0001f375"])
    return item


def path(item: Item, *names: str) -> None:
    item.category_paths.add().names.extend(names)


def fill(entries: Any, count: int) -> None:
    for n in range(count):
        entries[str(n)].SetInParent()


def window(item: Item, begin: int, end: int) -> None:
    item.available_from_time.seconds = begin
    item.available_until_time.seconds = end


BAD: list[tuple[str, str, Callable[[Item], object]]] = [
    ("title", "TITLE_REQUIRED", lambda item: item.ClearField("title")),
    ("title", "TITLE_TOO_LONG", lambda item: setattr(item, "title", "é" * 513)),
    ("title", "TITLE_INVISIBLE", lambda item: setattr(item, "title", " \u200b\ufeff\t")),
    ("category_paths", "CATEGORY_REQUIRED", lambda item: item.ClearField("category_paths")),
    ("category_paths", "TOO_MANY_CATEGORIES", lambda item: item.category_paths.extend(item.category_paths[:1] * 16)),
    ("category_paths[1]", "CATEGORY_DEPTH", lambda item: path(item, *map(str, range(50)))),
    ("category_paths[1]", "CATEGORY_DEPTH", path),
    ("category_paths[1].names[1]", "CATEGORY_NAME_INVALID", lambda item: path(item, "a", "")),
    ("category_paths[1].names[0]", "CATEGORY_NAME_INVALID", lambda item: path(item, "\u200b", "a")),
    ("category_paths[1].names[0]", "CATEGORY_NAME_INVALID", lambda item: path(item, "a\nb")),
    ("category_paths[1]", "CATEGORY_CYCLE", lambda item: path(item, "a", "b", "a", "b")),
    ("category_paths[1]", "CATEGORY_CYCLE", lambda item: path(item, "x", "a", "b", "c", "a", "b")),
    ("price", "PRICE_NOT_FINITE", lambda item: setattr(item, "price", math.nan)),
    ("price", "PRICE_NOT_FINITE", lambda item: setattr(item, "price", -math.inf)),
    ("price", "PRICE_NOT_FINITE", lambda item: setattr(item, "price", math.inf)),
    ("price", "PRICE_OUT_OF_RANGE", lambda item: setattr(item, "price", -0.01)),
    ("price", "PRICE_OUT_OF_RANGE", lambda item: setattr(item, "price", 1e308)),
    ("list_price", "LIST_PRICE_NOT_FINITE", lambda item: setattr(item, "list_price", math.nan)),
    ("list_price", "LIST_PRICE_OUT_OF_RANGE", lambda item: setattr(item, "list_price", 1e308)),
    ("margin", "MARGIN_OUT_OF_RANGE", lambda item: setattr(item, "margin", -1e308)),
    ("margin", "MARGIN_NOT_FINITE", lambda item: setattr(item, "margin", math.nan)),
    ("currency_code", "CURRENCY_INVALID", lambda item: setattr(item, "currency_code", "euro")),
    ("currency_code", "CURRENCY_INVALID", lambda item: setattr(item, "currency_code", "EUX")),
    ("currency_code", "CURRENCY_INVALID", lambda item: setattr(item, "currency_code", "eur")),
    ("stock", "STOCK_OUT_OF_RANGE", lambda item: setattr(item, "stock", -1)),
    ("stock", "STOCK_OUT_OF_RANGE", lambda item: setattr(item, "stock", 2**63 - 1)),
    ("minimum_age", "MINIMUM_AGE_OUT_OF_RANGE", lambda item: setattr(item, "minimum_age", 151)),
    ("kind", "KIND_UNKNOWN", lambda item: setattr(item, "kind", 99)),
    ("available_until_time", "WINDOW_EMPTY", lambda item: window(item, 10, 10)),
    ("available_from_time", "TIME_OUT_OF_RANGE", lambda item: window(item, 10**15, 10)),
    ("vectors.text", "VECTOR_NOT_FINITE", lambda item: item.vectors["text"].values.append(math.nan)),
    ("vectors.text", "VECTOR_LENGTH", lambda item: item.vectors["text"].SetInParent()),
    ("vectors.text", "VECTOR_LENGTH", lambda item: item.vectors["text"].values.extend([0.0] * 4_097)),
    ("vectors", "TOO_MANY_VECTORS", lambda item: fill(item.vectors, 9)),
    ("attributes.size", "ATTRIBUTE_NOT_FINITE", lambda item: setattr(item.attributes["size"], "number", math.nan)),
    ("attributes.size", "ATTRIBUTE_VALUE_MISSING", lambda item: item.attributes["size"].SetInParent()),
    ("attributes", "ATTRIBUTE_NAME_INVALID", lambda item: setattr(item.attributes["n" * 65], "flag", True)),
    ("attributes", "TOO_MANY_ATTRIBUTES", lambda item: fill(item.attributes, 65)),
    ("badges", "BADGES_INVALID", lambda item: item.badges.extend(["new"] * 9)),
    ("brand", "BRAND_INVALID", lambda item: setattr(item, "brand", "a\x00b")),
    ("group_id", "GROUP_ID_INVALID", lambda item: setattr(item, "group_id", "g" * 257)),
    ("description", "DESCRIPTION_TOO_LONG", lambda item: setattr(item, "description", "ü" * 32_769)),
]


@pytest.mark.parametrize(("field", "reason", "spoil"), BAD, ids=[f"{field}-{reason}" for field, reason, _ in BAD])
def test_what_is_unfit_is_named(field: str, reason: str, spoil: Callable[[Item], object]) -> None:
    item = good()
    assert item_fault(item, "") is None
    spoil(item)
    fault = item_fault(item, "updates[3].item.")
    assert fault is not None
    assert (fault.field, fault.reason) == (f"updates[3].item.{field}", reason)
    assert fault.description


@pytest.mark.parametrize(
    "names",
    [
        ("a", "b", "a"),
        ("a", "a", "a"),
        ("a", "A", "a\u0301", "\u00e1"),
        ("a", "b", "c", "b"),
        tuple(map(str, range(16))),
    ],
    ids=str,
)
def test_a_name_may_come_again_below_itself(names: tuple[str, ...]) -> None:
    item = good()
    path(item, *names)
    assert item_fault(item, "") is None


def test_there_is_no_negative_zero() -> None:
    item = good()
    item.price = item.list_price = item.margin = -0.0
    settle_zeros(item)
    assert [math.copysign(1.0, value) for value in (item.price, item.list_price, item.margin)] == [1.0, 1.0, 1.0]
    unpriced = Item()
    settle_zeros(unpriced)
    assert not unpriced.HasField("price")


def test_the_bounds_themselves_are_fit() -> None:
    item = good()
    item.price, item.list_price, item.stock, item.minimum_age = 0.0, 1e12, 0, 18
    item.title = "é" * 512
    path(item, *map(str, range(16)))
    window(item, -62_135_596_800, 253_402_300_799)
    item.vectors["text"].values.extend([0.5] * 4_096)
    assert item_fault(item, "") is None
