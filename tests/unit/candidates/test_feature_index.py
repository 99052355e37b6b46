import math

import numpy as np
import pytest

from services.candidates.content.feature_index import FeatureIndex
from services.candidates.content.item_terms import FIELD_WEIGHTS, Term, item_terms, tokens
from vitrine.features.v1.item_pb2 import Item


def anything(item_nos: np.ndarray) -> np.ndarray:
    return np.ones(len(item_nos), np.bool_)


def item(title: str, *path: str, price: float | None = None, brand: str = "") -> Item:
    made = Item(title=title, price=price, brand=brand)
    if path:
        made.category_paths.add(names=path)
    return made


def similarities(index: FeatureIndex, item_no: int) -> dict[int, float]:
    profiles = index.profiles(np.array([item_no], np.uint32))
    found = index.find(profiles, np.ones(1), 100, anything)
    return dict(zip(found.tolist(), index.cosines(found, profiles)[0][:, 0].tolist(), strict=True))


def merge(index: FeatureIndex) -> None:
    index.finish_merge(*index.begin_merge().run())


def test_similarity_is_the_weighted_cosine_of_the_features() -> None:
    items = {
        1: item("red cup", "kitchen", "cups", price=4.0, brand="Hill"),
        2: item("red plate", "kitchen", "plates", price=4.2, brand="Hill"),
        3: item("blue cup", "kitchen", "cups", price=90.0),
        4: item("hose", "garden", price=30.0),
    }
    index = FeatureIndex()
    for item_no, content in items.items():
        index.put(item_no, content)
    merge(index)
    terms = {item_no: set(item_terms(content)) for item_no, content in items.items()}

    def weight(term: Term) -> float:
        holders = sum(term in own for own in terms.values())
        return FIELD_WEIGHTS[term[0]] * math.log1p(len(items) / holders)

    def cosine(one: int, other: int) -> float:
        shared = sum(weight(term) ** 2 for term in terms[one] & terms[other])
        norms = [np.sqrt(sum(weight(term) ** 2 for term in terms[number])) for number in (one, other)]
        return float(shared / (norms[0] * norms[1]))

    found = similarities(index, 1)
    assert set(found) == {1, 2, 3}
    for other, similarity in found.items():
        assert similarity == pytest.approx(cosine(1, other), abs=1e-6)


def test_similarities_are_given_for_each_item_asked_about() -> None:
    index = FeatureIndex()
    index.put(1, item("red cup"))
    index.put(2, item("blue hose"))
    index.put(3, item("red hose"))
    merge(index)
    profiles = index.profiles(np.array([1, 2, 77], np.uint32))
    assert profiles.known.tolist() == [True, True, False]
    found = index.find(profiles, np.ones(3), 10, lambda item_nos: item_nos == 3)
    assert found.tolist() == [3]
    cosines, known = index.cosines(np.array([3, 77], np.uint32), profiles)
    assert known.tolist() == [True, False]
    assert (cosines[0, :2] > 0).all()
    assert cosines[0, 2] == 0
    assert not cosines[1].any()


def test_new_changed_and_removed_items_are_found_as_they_are_now() -> None:
    index = FeatureIndex()
    for item_no in range(1, 6):
        index.put(item_no, item("red cup", "kitchen"))
    merge(index)
    index.put(3, item("garden hose", "garden"))
    index.put(9, item("red cup", "kitchen"))
    index.remove(4)
    index.refresh()
    assert set(similarities(index, 1)) == {1, 2, 5, 9}
    assert set(similarities(index, 3)) == {3}
    assert set(similarities(index, 9)) == {1, 2, 5, 9}
    assert len(index) == 5
    merge(index)
    assert set(similarities(index, 1)) == {1, 2, 5, 9}
    assert len(index) == 5


def test_what_changes_while_a_merge_runs_is_not_lost() -> None:
    index = FeatureIndex()
    for item_no in range(1, 6):
        index.put(item_no, item("red cup"))
    running = index.begin_merge()
    index.put(2, item("blue hose"))
    index.remove(3)
    index.put(6, item("red cup"))
    index.finish_merge(*running.run())
    assert set(similarities(index, 1)) == {1, 4, 5, 6}
    assert set(similarities(index, 2)) == {2}


def test_an_unchanged_item_costs_no_refresh() -> None:
    index = FeatureIndex()
    index.put(1, item("red cup", price=1.0))
    merge(index)
    version = index.version
    index.put(1, item("red cup", price=1.01))
    index.refresh()
    assert index.version == version


def test_items_without_features_and_empty_indexes_are_borne() -> None:
    index = FeatureIndex()
    assert similarities(index, 1) == {}
    merge(index)
    index.put(1, item("!!"))
    index.put(2, item("cup"))
    index.put(2, item("??"))
    index.refresh()
    merge(index)
    assert similarities(index, 1) == {}
    assert len(index) == 0


def test_a_feature_of_everything_does_not_make_a_search_read_everything() -> None:
    index = FeatureIndex()
    for item_no in range(1, 30_001):
        index.put(item_no, item(f"w{item_no % 5_000}", "all"))
    merge(index)
    found = similarities(index, 30_000)
    assert {5_000, 10_000, 15_000, 20_000, 25_000, 30_000} <= set(found)
    best = sorted(found.values(), reverse=True)
    assert best[:6] == pytest.approx([1.0] * 6, abs=1e-6)
    assert best[6] < 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Crème Brûlée 45ml", {"creme", "brulee", "45ml"}),
        ("ORGANIC milk, milk!", {"organic", "milk"}),
        ("有机牛奶", {"有机", "机牛", "牛奶"}),
        ("茶", {"茶"}),
        ("コーヒー豆 500g", {"コー", "ーヒ", "ヒー", "ー豆", "500g"}),
        ("Sony耳机", {"sony", "耳机"}),
        ("우유", {"우유"}),
        ("\uff21\uff22\uff23", {"abc"}),
        ("🧀", set()),
        ("", set()),
    ],
)
def test_titles_are_cut_in_every_script(text: str, expected: set[str]) -> None:
    assert tokens(text) == expected


def test_a_search_sees_one_state_of_the_index_whatever_is_put_meanwhile() -> None:
    """A search runs in a thread: here a new feature comes between its look at the weights and the one at the terms."""
    index = FeatureIndex(lambda item: [("title", word) for word in item.title.split()], {"title": 1.0})
    index.put(1, item("cup"))
    merge(index)

    class Interrupted(str):
        __slots__ = ()

        def __hash__(self) -> int:
            if len(index) == 1:
                index.put(2, item("saucer"))
                index.refresh()
            return super().__hash__()

    wanted = [[("title", Interrupted("saucer")), ("title", "cup")]]
    assert index.matches(wanted, 1)[0].tolist() == [1]
    assert sorted(index.matches(wanted, 1)[0].tolist()) == [1, 2]
