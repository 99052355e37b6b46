"""What the embedded index and Elasticsearch both promise of the items' named vectors."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from services.candidates.vectors.named_vectors import VectorStatus
from services.common.direction import VectorFault
from tests.contract.candidates.indexed_shop import EmbeddedShop, only
from tests.support.candidates_shop import NOW
from vitrine.features.v1.item_pb2 import ITEM_KIND_VIDEO, Item

NORTH, NORTHEAST, EAST, SOUTH = [0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, -1.0]
AWKWARD_NAMES = ["text/v2?#", "🧀 taste", "ü" * 128, "A", "a", "\u00e9", "e\u0301", "_id", '"quoted"\\', "dot.ted"]


def item(title: str, /, **vectors: Sequence[float]) -> Item:
    """Returns an item with these words and vectors."""
    made = Item(title=title, price=1.0)
    for name, values in vectors.items():
        made.vectors[name].values.extend(values)
    return made


def unlike(number: int, /, **vectors: Sequence[float]) -> Item:
    """Returns an item with these vectors whose word and price band no other has."""
    made = item(f"word{number}", **vectors)
    made.price = math.expm1(0.3 * number + 0.1)
    return made


def status_of(shop: Any, name: str) -> VectorStatus:
    (status,) = (status for status in shop.index.vectors() if status.name == name)
    assert isinstance(status, VectorStatus)
    return status


async def test_what_shares_no_word_is_found_by_its_vector(shop: Any) -> None:
    await shop.put(
        {
            1: unlike(1, text=NORTH),
            2: unlike(2, text=NORTHEAST),
            3: unlike(3, text=EAST),
            4: unlike(4, text=SOUTH),
            5: unlike(5),
        }
    )
    found = await shop.similarities(1)
    assert found[1] == pytest.approx(1.0, abs=1e-5)
    assert found[2] == pytest.approx(0.5 * math.sqrt(0.5), abs=1e-3)
    assert {number for number, similarity in found.items() if similarity > 0} == {1, 2}


async def test_the_similarity_is_the_cosine_of_features_and_vectors_together(
    shop: Any, embedded_twin: EmbeddedShop
) -> None:
    plain = {number: item("tea " * (number % 2) + f"leaf{number % 3}") for number in range(1, 13)}
    await embedded_twin.put(plain)
    by_features = await embedded_twin.similarities(1)
    random = np.random.default_rng(0)
    drawn = {number: random.normal(size=(2, 3)) + 1 for number in plain if number % 4}  # every fourth has no vector
    full: dict[int, Item | None] = {}
    for number, one in plain.items():
        vectors = drawn.get(number, np.zeros((0, 3)))
        full[number] = item(one.title, **{f"v{place}": list(row) for place, row in enumerate(vectors)})
    await shop.put(full)
    found = await shop.similarities(1)

    def expected(other: int) -> float:
        if other not in drawn:
            return by_features.get(other, 0.0) / math.sqrt(1 + 2)
        pairs = zip(drawn[1], drawn[other], strict=True)
        cosines = [float(one @ two / np.linalg.norm(one) / np.linalg.norm(two)) for one, two in pairs]
        return max(0.0, by_features.get(other, 0.0) + sum(cosines)) / 3

    assert found.keys() == plain.keys()
    for other, similarity in found.items():
        assert similarity == pytest.approx(expected(other), abs=1e-3)
        assert 0 <= similarity <= 1


async def test_an_item_that_is_nothing_but_a_vector(shop: Any) -> None:
    """Its length is the vector's alone; no features are no part of it."""
    bare = {number: Item(kind=ITEM_KIND_VIDEO) for number in (1, 2)}
    for one in bare.values():
        one.vectors["text"].values.extend([3.0, 4.0])
    await shop.put({**bare, 3: item("tea", text=[4.0, 3.0])})
    found = await shop.similarities(1)
    assert found[2] == pytest.approx(1.0, abs=1e-5)
    assert found[3] == pytest.approx(0.96 / math.sqrt(2), abs=1e-3)


async def test_the_history_as_a_whole_is_searched_by(shop: Any) -> None:
    """The items without a vector have no part in it; each similarity is that to the one item."""
    others = {number: unlike(number, text=[1.0, (number - 9) / 5]) for number in range(10, 20)}
    await shop.put({1: unlike(1, text=EAST), 2: unlike(2, text=EAST), 3: item("tea"), **others})
    alike = await shop.similar(1, 2, 3, 77, count=5, excluded=[1, 2, 3])
    nearest = alike.item_nos[np.argsort(-alike.similarities.sum(axis=1))]
    assert nearest[:3].tolist() == [10, 11, 12]
    assert alike.similarities[:, :2].max() == pytest.approx(0.49, abs=0.01)
    assert not alike.similarities[np.isin(alike.item_nos, range(10, 20)), 2].any()
    assert not alike.similarities[:, 3].any()


async def test_both_engines_find_about_the_same(shop: Any, embedded_twin: EmbeddedShop) -> None:
    random = np.random.default_rng(1)
    centers = random.normal(size=(20, 64))
    items = {
        number: item(f"word{number % 40}", text=list(centers[number % 20] + random.normal(size=64)))
        for number in range(1, 601)
    }
    await shop.put(items)
    await embedded_twin.put(items)
    for number in (1, 300, 599):
        found, expected = await shop.similarities(number), await embedded_twin.similarities(number)
        best = sorted(expected, key=lambda other: -expected[other])[:40]
        assert len(set(best) & found.keys()) >= 38
        for other in found.keys() & expected.keys():
            assert found[other] == pytest.approx(expected[other], abs=2e-4)


async def test_what_may_not_be_shown_is_not_found_by_its_vector(shop: Any) -> None:
    """Hundreds that may not be shown lie nearer than the few that may."""
    items = {number: unlike(number, text=[1.0, number / 100]) for number in range(1, 320)}
    for number in range(2, 300):
        if number % 3 == 0:
            items[number].hidden = True
        elif number % 3 == 1:
            items[number].stock = 0
        else:
            items[number].ClearField("price")
    items[300].available_from_time.FromMilliseconds(NOW + 1)
    items[301].available_until_time.FromMilliseconds(NOW)
    items[302].brand = "Hill"
    await shop.put(dict(items))
    await shop.put({303: None})
    assert set(await shop.similarities(1, count=10)) >= {1, *range(304, 312)}
    assert set(await shop.similarities(1)) == {1, 302, *range(304, 320)}
    assert set(await shop.similarities(1, excluded=[1, *range(305, 320)])) == {302, 304}
    assert set(await shop.similarities(1, item_filter=only(brands=["Hill"]))) == {302}
    assert set(await shop.similarities(1, item_filter=only(brands=["nobody"]))) == set()


async def test_ten_thousand_exclusions_are_borne(shop: Any) -> None:
    await shop.put({number: unlike(number, text=EAST) for number in range(1, 5)})
    found = await shop.similarities(1, excluded=[2, *range(1_000, 10_999)])
    assert {number for number, alike in found.items() if alike > 0} == {1, 3, 4}


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ([0.0, -0.0, 0.0], VectorFault.ZERO),
        ([1.0, math.nan, 0.0], VectorFault.NOT_FINITE),
        ([1.0, -math.inf, 0.0], VectorFault.NOT_FINITE),
        ([1.0, 0.0], VectorFault.ANOTHER_LENGTH),
    ],
)
async def test_a_vector_that_cannot_be_compared_is_counted_and_the_item_is_found(
    shop: Any, values: list[float], fault: VectorFault
) -> None:
    good = [1.0, 0.0, 0.0]
    await shop.put({1: item("tea", text=good), 2: item("tea", text=good), 3: item("tea", text=values)})
    found = await shop.similarities(1)
    assert found[2] == pytest.approx(1.0, abs=1e-5)
    assert found[3] == pytest.approx(1 / math.sqrt(2), abs=1e-3)
    assert await shop.words("tea", item_filter=only(maximum_price=2.0))
    assert status_of(shop, "text") == VectorStatus("text", 3, 1.0, 2, {fault: 1})
    await shop.put({3: item("tea", text=good)})
    assert (await shop.similarities(1))[3] == pytest.approx(1.0, abs=1e-5)
    assert status_of(shop, "text") == VectorStatus("text", 3, 1.0, 3, {})


@pytest.mark.parametrize("length", [1e-30, 1e30])
async def test_only_the_direction_counts(shop: Any, length: float) -> None:
    await shop.put({1: item("tea", text=[3.0, 4.0]), 2: item("tea", text=[3 * length, 4 * length])})
    assert (await shop.similarities(1))[2] == pytest.approx(1.0, abs=1e-5)


async def test_a_new_encoder_takes_over_when_most_items_have_its_vectors(shop: Any) -> None:
    old, new = [1.0, 0.0], [1.0, 0.0, 0.0, 0.0]
    await shop.put({number: unlike(number, text=old) for number in range(1, 6)})
    await shop.put({number: unlike(number, text=new) for number in (1, 2)})
    assert status_of(shop, "text") == VectorStatus("text", 2, 1.0, 3, {VectorFault.ANOTHER_LENGTH: 2})
    assert {number for number, alike in (await shop.similarities(3)).items() if alike > 0} == {3, 4, 5}
    assert {number for number, alike in (await shop.similarities(1)).items() if alike > 0} == {1}
    await shop.put({3: unlike(3, text=new)})
    assert status_of(shop, "text") == VectorStatus("text", 4, 1.0, 3, {VectorFault.ANOTHER_LENGTH: 2})
    assert {number for number, alike in (await shop.similarities(3)).items() if alike > 0} == {1, 2, 3}


async def test_names_may_be_anything_and_stay_apart(shop: Any) -> None:
    items: dict[int, Item | None] = {}
    for number, name in enumerate(AWKWARD_NAMES, start=1):
        items[number] = unlike(number, **{name: EAST})
        items[number + 50] = unlike(number + 50, **{name: EAST})
    await shop.put(items)
    for number in range(1, len(AWKWARD_NAMES) + 1):
        found = await shop.similarities(number)
        assert {other for other, alike in found.items() if alike > 0.1} == {number, number + 50}
    assert {status.name for status in shop.index.vectors()} == set(AWKWARD_NAMES)
    assert {status.item_count for status in shop.index.vectors()} == {2}


async def test_a_vector_that_changed_or_went_is_found_as_it_is_now(shop: Any) -> None:
    await shop.put({number: unlike(number, text=EAST) for number in range(1, 5)})
    version = shop.index.version
    await shop.put({2: unlike(2, text=NORTH), 3: unlike(3), 4: None})
    assert shop.index.version != version
    assert {number for number, alike in (await shop.similarities(1)).items() if alike > 0} == {1}
    await shop.put({5: unlike(5, text=NORTH), 4: unlike(4, text=EAST)})
    assert {number for number, alike in (await shop.similarities(2)).items() if alike > 0} == {2, 5}
    assert {number for number, alike in (await shop.similarities(1)).items() if alike > 0} == {1, 4}
    assert status_of(shop, "text").item_count == 4


async def test_a_shop_without_vectors_has_none_to_tell_of(shop: Any) -> None:
    await shop.put({1: item("tea"), 2: item("tea")})
    assert list(shop.index.vectors()) == []
    assert set(await shop.similarities(1)) == {1, 2}


async def test_a_category_that_is_renamed(shop: Any) -> None:
    def under(path: Sequence[str], number: int) -> Item:
        made = unlike(number)
        made.category_paths.add(names=path)
        return made

    await shop.put({number: under(["garden", "hoses"], number) for number in range(1, 41)})
    await shop.put({41: under(["garden", "chairs"], 41), 42: under(["yard"], 42)})
    await shop.put({number: under(["yard", "hoses"], number) for number in range(1, 41)})
    found = await shop.similarities(1)
    assert set(range(1, 41)) <= {number for number, alike in found.items() if alike > 0}
    assert found.get(41, 0.0) == 0
    assert found[42] > 0
    assert set(await shop.words("hoses", item_filter=only(category=["yard"]))) == set(range(1, 41))
    assert await shop.words("hoses", item_filter=only(category=["garden"])) == []
    assert await shop.words("garden") == [41]
    assert set(await shop.words("yard")) == {*range(1, 41), 42}
