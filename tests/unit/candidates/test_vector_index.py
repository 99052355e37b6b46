import numpy as np
import pytest
from numpy.typing import NDArray

from services.candidates.artifacts.vector_index import ExactIndex, GraphIndex, vector_index

ITEMS, DIMENSIONS, COUNT = 20_000, 32, 100


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    """Vectors as a model's are: in clusters, and of different lengths."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(50, DIMENSIONS))
    lengths = random.gamma(5.0, 0.2, size=(ITEMS, 1))
    made: NDArray[np.float32] = (
        lengths * (centres[random.integers(0, 50, ITEMS)] + random.normal(size=(ITEMS, DIMENSIONS)))
    ).astype(np.float32)
    return made


@pytest.fixture(scope="module")
def graph(vectors: NDArray[np.float32]) -> GraphIndex:
    return GraphIndex(vectors)


@pytest.mark.parametrize("part", [None, 0.5, 0.06, 0.01])
def test_the_graph_finds_what_the_exact_search_finds(
    vectors: NDArray[np.float32], graph: GraphIndex, part: float | None
) -> None:
    random, exact = np.random.default_rng(1), ExactIndex(vectors)
    allowed = None if part is None else random.random(ITEMS) < part
    recalls = []
    for query in vectors[random.integers(0, ITEMS, 50)] + random.normal(size=(50, DIMENSIONS)).astype(np.float32):
        wanted, best = exact.search(query, COUNT, allowed)
        found, scores = graph.search(query, COUNT, allowed)
        assert scores == pytest.approx(vectors[found] @ query, abs=1e-4)
        assert (np.diff(scores) <= 0).all()
        assert scores[0] <= best[0] + 1e-4
        if allowed is not None:
            assert allowed[found].all()
        recalls.append(np.isin(wanted, found).mean())
    recall = np.mean(recalls)
    print(f"recall@{COUNT} of the graph against the exact search: {recall:.4f}")
    assert recall >= 0.98


def test_nothing_allowed_finds_nothing(vectors: NDArray[np.float32], graph: GraphIndex) -> None:
    rows, scores = graph.search(vectors[0], 10, np.zeros(ITEMS, np.bool_))
    assert len(rows) == len(scores) == 0


def test_few_vectors_are_searched_exactly(vectors: NDArray[np.float32]) -> None:
    assert isinstance(vector_index(vectors[:100]), ExactIndex)
    assert isinstance(vector_index(vectors[:100], exact_up_to=99), GraphIndex)
    zeros = vector_index(np.zeros((100, 4), np.float32), exact_up_to=99)
    assert len(zeros.search(np.ones(4, np.float32), 10, None)[0]) == 10
