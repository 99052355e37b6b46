import numpy as np
import pytest
from numpy.typing import NDArray

from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.vectors.item_vectors import ItemVectors
from tests.support.eligibility import those_of


def embeddings(vectors: dict[int, tuple[float, float]]) -> Embeddings:
    return Embeddings(np.array([*vectors], np.uint32), np.array([*vectors.values()], np.float32), "m1")


@pytest.fixture
def vectors() -> ItemVectors:
    trained = embeddings({1: (1.0, 0.0), 2: (2.0, 0.0), 3: (3.0, 0.0), 4: (0.0, 1.0)})
    return ItemVectors(trained, embeddings({3: (0.0, 3.0), 7: (2.5, 0.0)}))


def mask(*item_nos: int) -> NDArray[np.bool_]:
    allowed = np.zeros(10, np.bool_)
    allowed[list(item_nos)] = True
    return allowed


def test_newer_vectors_go_before_those_of_the_training(vectors: ItemVectors) -> None:
    item_nos, scores = vectors.nearest(np.array([1.0, 0.0], np.float32), 3)
    assert list(item_nos) == [7, 2, 1]
    assert list(scores) == [2.5, 2.0, 1.0]
    places, found = vectors.of(np.array([9, 3, 1], np.uint32))
    assert list(places) == [1, 2]
    assert found.tolist() == [[0.0, 3.0], [1.0, 0.0]]


def test_with_a_mask_as_many_are_found_as_there_are(vectors: ItemVectors) -> None:
    item_nos, scores = vectors.nearest(np.array([1.0, 0.1], np.float32), 2, those_of(mask(1, 3, 4, 7)))
    assert list(item_nos) == [7, 1]
    np.testing.assert_allclose(scores, [2.5, 1.0])


def test_a_mask_may_end_before_the_items_do(vectors: ItemVectors) -> None:
    assert list(vectors.nearest(np.array([1.0, 0.0], np.float32), 5, those_of(mask(1, 7)[:5]))[0]) == [1]


@pytest.mark.parametrize("share", [0.001, 0.3])
def test_two_parts_find_what_one_finds(share: float) -> None:
    random = np.random.default_rng(3)
    numbers = np.arange(1, 4001, dtype=np.uint32)
    former, current = (random.normal(size=(4000, 16)).astype(np.float32) for _ in range(2))
    newer = np.sort(random.choice(4000, int(4000 * share), replace=False))
    current[np.setdiff1d(np.arange(4000), newer)] = former[np.setdiff1d(np.arange(4000), newer)]
    split = ItemVectors(
        Embeddings(numbers[:3900], former[:3900], "m1"),
        Embeddings(
            np.union1d(numbers[newer], numbers[3900:]).astype(np.uint32),
            current[np.union1d(newer, np.arange(3900, 4000))],
            "m1",
        ),
    )
    whole = Embeddings(numbers, current, "m1")
    allowed = those_of(np.ones(4001, np.bool_))
    for query in random.normal(size=(20, 16)).astype(np.float32):
        assert list(split.nearest(query, 100, allowed)[0]) == list(whole.nearest(query, 100)[0])
