import numpy as np
import pytest
from numpy.typing import NDArray

from services.candidates.vectors.row_filter import RowFilter, RowItems
from services.candidates.vectors.vector_index import LEAST_RECALL, ExactIndex, PartitionIndex, vector_index
from tests.support.eligibility import those_of

ITEMS, DIMENSIONS, COUNT = 20_000, 32, 100


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    """Vectors as a model's are: in clusters, of different lengths, some directions wider than others."""
    random = np.random.default_rng(0)
    centers = random.normal(size=(50, DIMENSIONS))
    lengths = random.gamma(5.0, 0.2, size=(ITEMS, 1))
    made = lengths * (centers[random.integers(0, 50, ITEMS)] + random.normal(size=(ITEMS, DIMENSIONS)))
    narrowed: NDArray[np.float32] = (made / np.sqrt(1 + np.arange(DIMENSIONS))).astype(np.float32)
    return narrowed


@pytest.fixture(scope="module")
def parts(vectors: NDArray[np.float32]) -> PartitionIndex:
    return PartitionIndex(vectors)


def rows_of(mask: NDArray[np.bool_]) -> RowFilter:
    """Returns a filter of rows whose items have the row's number."""
    return RowFilter(RowItems(np.arange(len(mask), dtype=np.uint32)), those_of(mask), lambda item_nos: item_nos)


@pytest.mark.parametrize("part", [None, 0.5, 0.06, 0.01])
def test_the_parts_find_what_the_exact_search_finds(
    vectors: NDArray[np.float32], parts: PartitionIndex, part: float | None
) -> None:
    random, exact = np.random.default_rng(1), ExactIndex(vectors)
    mask = None if part is None else random.random(ITEMS) < part
    allowed = None if mask is None else rows_of(mask)
    recalls = []
    for query in vectors[random.integers(0, ITEMS, 50)] + random.normal(size=(50, DIMENSIONS)).astype(np.float32):
        wanted, best = exact.search(query, COUNT, allowed)
        found, scores = parts.search(query, COUNT, allowed)
        assert scores == pytest.approx(vectors[found] @ query, abs=1e-4)
        assert (np.diff(scores) <= 0).all()
        assert scores[0] <= best[0] + 1e-4
        if mask is not None:
            assert mask[found].all()
        recalls.append(np.isin(wanted, found).mean())
    recall = np.mean(recalls)
    print(f"recall@{COUNT} of the parts against the exact search: {recall:.4f}")
    assert recall >= 0.98


def test_of_every_kind_of_search_as_much_is_found() -> None:
    random = np.random.default_rng(0)
    centers = 2 * random.normal(size=(200, 64))
    made = centers[random.integers(0, 200, 40_000)] + random.normal(size=(40_000, 64))
    vectors = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    parts, exact, recalls = PartitionIndex(vectors), ExactIndex(vectors), {}
    for items in (1, 3, 10):  # of which a mean is searched for
        queries = [vectors[random.integers(0, len(vectors), items)].mean(axis=0) for _ in range(40)]
        found = [(exact.search(query, 480, None)[0], parts.search(query, 480, None)[0]) for query in queries]
        recalls[items] = np.mean([np.isin(wanted, own).mean() for wanted, own in found])
    assert min(recalls.values()) >= LEAST_RECALL


def test_nothing_allowed_finds_nothing(vectors: NDArray[np.float32], parts: PartitionIndex) -> None:
    rows, scores = parts.search(vectors[0], 10, rows_of(np.zeros(ITEMS, np.bool_)))
    assert len(rows) == len(scores) == 0


def test_few_vectors_are_searched_exactly(vectors: NDArray[np.float32]) -> None:
    assert isinstance(vector_index(vectors[:100]), ExactIndex)
    assert isinstance(vector_index(vectors[:100], exact_up_to=99), PartitionIndex)
    zeros = vector_index(np.zeros((100, 4), np.float32), exact_up_to=99)
    assert len(zeros.search(np.ones(4, np.float32), 10, None)[0]) == 10


def test_vectors_without_any_order_are_looked_at_as_broadly_as_it_takes() -> None:
    random = np.random.default_rng(3)
    vectors = random.normal(size=(4_000, 16)).astype(np.float32)
    parts, exact = PartitionIndex(vectors), ExactIndex(vectors)
    recalls = [
        np.isin(exact.search(query, 100, None)[0], parts.search(query, 100, None)[0]).mean()
        for query in random.normal(size=(30, 16)).astype(np.float32)
    ]
    assert parts.recall >= LEAST_RECALL
    assert np.mean(recalls) >= 0.97


def test_great_numbers_are_no_infinity() -> None:
    vectors = np.array([[1e6, 0.0], [2e6, 0.0], [0.0, 1e6]], np.float32)
    rows, scores = ExactIndex(vectors).search(np.array([1.0, 0.0], np.float32), 2, None)
    assert rows.tolist() == [1, 0]
    assert scores.tolist() == [2e6, 1e6]


@pytest.mark.parametrize("length", [1e-6, 1e6])
def test_how_broadly_is_looked_does_not_depend_on_the_unit(vectors: NDArray[np.float32], length: float) -> None:
    some = vectors[:4_000]
    parts = PartitionIndex(some * np.float32(length))
    assert parts.recall == pytest.approx(PartitionIndex(some).recall, abs=0.01)
