"""What the embedded index and Elasticsearch both promise."""

import random
from typing import Any

import numpy as np
import pytest

from services.candidates.content.freshness import freshness
from tests.contract.candidates.indexed_shop import EmbeddedShop, items_of, only
from tests.support.candidates_shop import DAY, NOW
from vitrine.common.v1.attribute_pb2 import AttributeValue
from vitrine.features.v1.item_pb2 import ITEM_KIND_VIDEO, Item

AWKWARD_IDS = ["a/b?c#d", "🧀 with holes", "ü" * 128, "_doc", "..", "A", "a", '"quoted"\\']

CUPS = items_of(
    [
        ("red cup", ["kitchen", "cups"], {"brand": "Hill", "price": 4.0}),
        ("red plate", ["kitchen", "plates"], {"brand": "Hill", "price": 4.2}),
        ("blue cup", ["kitchen", "cups"], {"price": 90.0}),
        ("Crème brûlée dish", ["kitchen"], {"price": 12.0}),
        ("garden hose", ["garden"], {"price": 30.0, "brand": "Dale"}),
        ("leather couch", ["living"], {"price": 300.0}),
        ("红色茶杯", ["厨房"], {"price": 5.0}),
        ("白い猫の本", ["books"], {"price": 5.0}),
    ]
)


def large_shop(count: int = 400) -> dict[int, Item]:
    pick = random.Random(7)
    words = [f"word{number}" for number in range(120)]
    return items_of(
        [
            (
                " ".join(pick.choices(words, weights=range(120, 0, -1), k=4)),
                ["shop", f"aisle {pick.randrange(8)}", f"shelf {pick.randrange(30)}"],
                {"brand": f"brand {pick.randrange(25)}", "price": pick.uniform(1, 200)},
            )
            for _ in range(count)
        ]
    )


async def test_similarities_are_the_same_cosines(shop: Any, embedded_twin: EmbeddedShop) -> None:
    items = large_shop()
    await shop.put(items)
    await embedded_twin.put(items)
    for item_no in (1, 57, 200):
        found, expected = await shop.similarities(item_no), await embedded_twin.similarities(item_no)
        assert found[item_no] == pytest.approx(1.0, abs=1e-5)
        shared = found.keys() & expected.keys()
        best = sorted(expected, key=lambda number: -expected[number])[:50]
        assert len(shared & set(best)) >= 48
        for number in shared:
            assert found[number] == pytest.approx(expected[number], abs=1e-4)


async def test_words_find_the_same_items_in_about_the_same_order(shop: Any, embedded_twin: EmbeddedShop) -> None:
    items = large_shop()
    await shop.put(items)
    await embedded_twin.put(items)
    for text in ("word3", "word5 word9", "Brand 3", "aisle 4 word1 word2"):
        found, expected = await shop.words(text, 1_000), await embedded_twin.words(text, 1_000)
        assert set(found) == set(expected)
        near = min(20, len(expected))
        assert len(set(found[:near]) & set(expected[: 2 * near])) >= 0.7 * near


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red", {1, 2}),
        ("RED cup", {1}),
        ("cup", {1, 3}),
        ("creme brulee", {4}),
        ("CRÈME", {4}),
        ("hill", {1, 2}),
        ("kitchen", {1, 2, 3, 4}),
        ("sofa", {6}),
        ("couch", {6}),
        ("茶杯", {7}),
        ("猫の", {8}),
        ("厨房", {7}),
        ("\uff43\uff55\uff50", {1, 3}),
        ("red kitchen hose", {1, 2}),
        ("red hose", set()),
        ("nothing of it", set()),
        ("?!", set()),
        ("", set()),
    ],
)
async def test_words(shop: Any, text: str, expected: set[int]) -> None:
    await shop.put(CUPS)
    matches = await shop.match(text)
    assert set(matches.item_nos.tolist()) == expected
    assert (matches.relevance > 0).all()
    assert (np.diff(matches.relevance) <= 0).all()


async def test_of_equals_the_newer_one_comes_first(shop: Any) -> None:
    await shop.put({1: Item(title="tea", price=1.0)}, days_old=300)
    await shop.put({2: Item(title="tea", price=1.0)}, days_old=1)
    matches = await shop.match("tea")
    assert matches.item_nos.tolist() == [2, 1]
    fresh, old = freshness(np.array([NOW - DAY, NOW - 300 * DAY]), NOW)
    assert matches.relevance[1] / matches.relevance[0] == pytest.approx(old / fresh, abs=1e-3)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (only(category=["kitchen"]), {1, 2, 3}),
        (only(category=["kitchen", "cups"]), {1, 3}),
        (only(brands=["Hill"]), {1, 2}),
        (only(brands=["hill"]), set()),
        (only(maximum_price=4.0), {1}),
        (only(minimum_price=4.1, maximum_price=50.0), {2}),
        (only(kinds=["VIDEO"]), set()),
        (only(kinds=["PRODUCT"]), {1, 2, 3}),
        (only(creators=["nobody"]), set()),
        (only(category=["nowhere"]), set()),
    ],
)
async def test_filters(shop: Any, wanted: Any, expected: set[int]) -> None:
    await shop.put(CUPS)
    assert (
        set(await shop.words("red", item_filter=wanted)) | set(await shop.words("cup", item_filter=wanted)) == expected
    )
    assert set((await shop.similarities(1, item_filter=wanted)).keys()) & {1, 2, 3} == expected


async def test_attributes_filter_by_kind_and_value(shop: Any) -> None:
    item = Item(title="cup", price=1.0)
    item.attributes["size"].number = 1
    item.attributes["tags"].texts.values.extend(["a", 'b"[,'])
    item.attributes["long"].text = "x" * 5_000
    await shop.put({1: item, 2: Item(title="cup", price=1.0)})

    async def having(name: str, value: AttributeValue) -> list[int]:
        wanted = only()
        wanted.attributes.add(name=name, any_of=[value])
        return list(await shop.words("cup", item_filter=wanted))

    assert await having("size", AttributeValue(number=1.0)) == [1]
    assert await having("size", AttributeValue(text="1")) == []
    assert await having("tags", AttributeValue(text='b"[,')) == [1]
    assert await having("long", AttributeValue(text="x" * 5_000)) == [1]
    assert await having("long", AttributeValue(text="x" * 4_999)) == []


async def test_ids_may_be_anything(shop: Any) -> None:
    items = {
        item_no: Item(item_id=item_id, title="cup", price=1.0) for item_no, item_id in enumerate(AWKWARD_IDS, start=1)
    }
    await shop.put(items)
    assert sorted(await shop.words("cup")) == list(items)


async def test_what_may_not_be_shown_is_not_found(shop: Any) -> None:
    sides: dict[int, dict[str, Any]] = {2: {"hidden": True}, 3: {"stock": 0}, 4: {"price": None}}
    items: dict[int, Item | None] = {
        item_no: Item(title="red cup", **{"price": 1.0, **sides.get(item_no, {})}) for item_no in range(1, 9)
    }
    later, over = items[6], items[7]
    assert later is not None
    assert over is not None
    later.available_from_time.FromMilliseconds(NOW + 1)
    over.available_until_time.FromMilliseconds(NOW)
    await shop.put(items)
    await shop.put({5: None})
    assert await shop.words("red cup") == [1, 8]
    assert set(await shop.similarities(1)) == {1, 8}
    assert sorted(await shop.words("red cup", at=NOW + 1)) == [1, 6, 8]


async def test_a_hidden_item_is_gone_before_the_index_knows(shop: Any) -> None:
    await shop.put({1: Item(title="cup", price=1.0), 2: Item(title="cup", price=1.0)})
    shop.shop.inputs.columns.apply(shop.shop.change(1, Item(title="cup", price=1.0, hidden=True)))
    assert await shop.words("cup") == [2]


async def test_an_item_is_found_as_it_is_now(shop: Any) -> None:
    await shop.put({1: items_of([("red cup", ["kitchen"], {})])[1], 2: Item(title="hose", price=1.0)})
    await shop.put({1: items_of([("garden hose", ["garden"], {})])[1]})
    assert await shop.words("cup") == []
    assert sorted(await shop.words("hose")) == [1, 2]
    assert await shop.words("hose", item_filter=only(category=["kitchen"])) == []
    assert await shop.words("hose", item_filter=only(category=["garden"])) == [1]
    await shop.put({1: None})
    await shop.put({1: Item(title="cup again", price=1.0)})
    assert await shop.words("cup") == [1]


async def test_ten_thousand_exclusions_are_borne(shop: Any) -> None:
    await shop.put(CUPS)
    excluded = [1, *range(100, 10_099)]
    assert await shop.words("cup", excluded=excluded) == [3]
    assert 1 not in await shop.similarities(3, excluded=excluded)


async def test_a_history_of_unknown_items_is_like_nothing(shop: Any) -> None:
    await shop.put(CUPS)
    alike = await shop.similar(77, 4_000_000_000)
    assert alike.similarities.shape == (0, 2)
    mixed = await shop.similar(1, 77)
    assert (mixed.similarities[:, 0] > 0).any()
    assert not mixed.similarities[:, 1].any()


async def test_an_item_without_features_is_like_nothing(shop: Any) -> None:
    video = Item(kind=ITEM_KIND_VIDEO)
    await shop.put({1: video, 2: Item(kind=ITEM_KIND_VIDEO), 3: Item(title="cup", price=1.0)})
    assert (await shop.similar(1)).item_nos.tolist() == []


async def test_the_version_names_what_answers(shop: Any) -> None:
    await shop.put(CUPS)
    before = shop.index.version
    assert before
    assert shop.index.unready() == ""
    await shop.put({20: Item(title="new", price=1.0)})
    assert shop.index.version != before
