import numpy as np
import pytest
from scipy import sparse

from services.candidates.jobs.cosine import nearest_items
from services.candidates.settings import NeighborSettings


def dense(ratings: np.ndarray, settings: NeighborSettings) -> dict[int, list[tuple[int, float]]]:
    """The formula, word for word."""
    users, items = ratings.shape
    found: dict[int, list[tuple[int, float]]] = {}
    for i in range(items):
        pairs = []
        for j in range(items):
            n = sum(1 for u in range(users) if ratings[u, i] > 0 and ratings[u, j] > 0)
            if i == j or n < settings.minimum_support:
                continue
            dot = sum(float(ratings[u, i]) * float(ratings[u, j]) for u in range(users))
            norms = np.sqrt(sum(float(r) ** 2 for r in ratings[:, i])) * np.sqrt(
                sum(float(r) ** 2 for r in ratings[:, j])
            )
            pairs.append((j, dot / norms * n / (n + settings.shrinkage)))
        found[i] = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[: settings.per_item]
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("block_entries", [1000, 20_000_000])
def test_neighbours_are_those_of_the_formula(seed: int, block_entries: int) -> None:
    random = np.random.default_rng(seed)
    ratings = (random.random((40, 60)) < 0.2) * random.gamma(1.0, size=(40, 60))
    ratings[:, 0] = 1.0  # bought by everyone
    settings = NeighborSettings(per_item=7, minimum_support=2, shrinkage=3.0, block_entries=block_entries)
    nearest = nearest_items(sparse.csr_array(ratings.astype(np.float32)), settings)
    expected = dense(ratings.astype(np.float32), settings)
    for item in range(60):
        stretch = slice(nearest.starts[item], nearest.starts[item + 1])
        similarities = [similarity for _, similarity in expected[item]]
        assert nearest.similarities[stretch] == pytest.approx(similarities, abs=1e-6)
        by_column = dict(expected[item])
        for column, similarity in zip(nearest.columns[stretch], nearest.similarities[stretch], strict=True):
            # Rounding may swap equals at the edge of the list; what is in both must be the same.
            assert similarity == pytest.approx(by_column.get(int(column), similarities[-1]), abs=1e-6)


def test_equal_neighbours_go_by_column() -> None:
    nearest = nearest_items(sparse.csr_array(np.ones((3, 5), np.float32)), NeighborSettings(per_item=2, shrinkage=0))
    assert nearest.columns.tolist() == [1, 2, 0, 2, 0, 1, 0, 1, 0, 1]
    assert nearest.similarities == pytest.approx(np.ones(10))


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (1, 4), (4, 1)])
def test_no_pair_has_no_neighbours(shape: tuple[int, int]) -> None:
    nearest = nearest_items(sparse.csr_array(np.ones(shape, np.float32)), NeighborSettings(minimum_support=2))
    assert len(nearest.columns) == 0
    assert len(nearest.starts) == shape[1] + 1
