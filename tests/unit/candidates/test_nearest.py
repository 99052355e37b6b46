import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from services.candidates.job_settings import NeighborSettings, Similarity
from services.candidates.jobs.nearest import nearest_items
from services.candidates.jobs.rows import Rows

MILLION = 1_000_000


def cosine(ratings: NDArray[np.float32], i: int, j: int) -> float:
    """Σ_u r_ui r_uj / (√Σ_u r_ui² √Σ_u r_uj²), word for word."""
    dot = sum(float(a) * float(b) for a, b in zip(ratings[:, i], ratings[:, j], strict=True))
    squares = [np.sqrt(sum(float(r) ** 2 for r in ratings[:, item])) for item in (i, j)]
    return float(dot / (squares[0] * squares[1]))


def pearson(ratings: NDArray[np.float32], i: int, j: int) -> float:
    """Σ_u (r_ui - μ_i)(r_uj - μ_j) / (√Σ_u (r_ui - μ_i)² √Σ_u (r_uj - μ_j)²), word for word, u of both."""
    means = [np.mean([float(r) for r in ratings[:, item] if r > 0]) for item in (i, j)]
    common = [
        (float(a) - means[0], float(b) - means[1])
        for a, b in zip(ratings[:, i], ratings[:, j], strict=True)
        if a > 0 and b > 0
    ]
    norm = np.sqrt(sum(a * a for a, _ in common)) * np.sqrt(sum(b * b for _, b in common))
    return float(sum(a * b for a, b in common) / norm) if norm > 1e-9 else 0.0


def dense(ratings: NDArray[np.float32], settings: NeighborSettings) -> dict[int, list[tuple[int, float, int]]]:
    """The formula over all pairs: column, similarity and support, the nearest first."""
    formula = pearson if settings.similarity is Similarity.PEARSON else cosine
    items = ratings.shape[1]
    found: dict[int, list[tuple[int, float, int]]] = {}
    for i in range(items):
        pairs = []
        for j in range(items):
            n = int(((ratings[:, i] > 0) & (ratings[:, j] > 0)).sum())
            if i != j and n >= settings.minimum_support:
                pairs.append((j, formula(ratings, i, j) * n / (n + settings.shrinkage), n))
        above = [pair for pair in pairs if pair[1] > 0]
        found[i] = sorted(above, key=lambda pair: (-pair[1], pair[0]))[: settings.per_item]
    return found


def nearest(ratings: NDArray[np.float32], settings: NeighborSettings, block_entries: int = MILLION) -> Rows:
    return nearest_items(sparse.csr_array(ratings), settings, block_entries)


@pytest.mark.parametrize("similarity", list(Similarity))
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("block_entries", [1000, 20_000_000])
def test_neighbors_are_those_of_the_formula(similarity: Similarity, seed: int, block_entries: int) -> None:
    random = np.random.default_rng(seed)
    ratings = ((random.random((40, 40)) < 0.25) * random.gamma(1.0, size=(40, 40))).astype(np.float32)
    ratings[:, 0] = 1.0  # bought by everyone, and rated alike by everyone
    ratings[0, :] = 2.0  # who bought everything
    settings = NeighborSettings(similarity=similarity, per_item=7, minimum_support=2, shrinkage=3.0)
    rows = nearest(ratings, settings, block_entries)
    for item, expected in dense(ratings, settings).items():
        stretch = slice(rows.starts[item], rows.starts[item + 1])
        assert rows.scores[stretch] == pytest.approx([score for _, score, _ in expected], abs=1e-6)
        by_column = {column: (score, support) for column, score, support in expected}
        for column, score, support in zip(
            rows.columns[stretch], rows.scores[stretch], rows.supports[stretch], strict=True
        ):
            # Rounding may swap equals at the edge of the list; what is in both must be the same.
            wanted, users = by_column.get(int(column), (expected[-1][1], support))
            assert score == pytest.approx(wanted, abs=1e-6)
            assert support == users


def test_constant_ratings_have_no_pearson_neighbors_and_nothing_is_nan() -> None:
    rows = nearest(np.full((5, 4), 0.7, np.float32), NeighborSettings(similarity=Similarity.PEARSON))
    assert len(rows) == 0


def test_some_rows_are_those_of_all() -> None:
    random = np.random.default_rng(1)
    ratings = sparse.csr_array(((random.random((60, 30)) < 0.3) * random.random((60, 30))).astype(np.float32))
    settings = NeighborSettings(per_item=5)
    all_rows, only = nearest_items(ratings, settings, MILLION), np.array([3, 17, 29])
    some = nearest_items(ratings, settings, MILLION, only=only)
    for place, item in enumerate(only):
        wanted = all_rows.columns[all_rows.starts[item] : all_rows.starts[item + 1]]
        assert some.columns[some.starts[place] : some.starts[place + 1]].tolist() == wanted.tolist()


def test_equal_neighbors_go_by_column() -> None:
    rows = nearest(np.ones((3, 5), np.float32), NeighborSettings(per_item=2, shrinkage=0))
    assert rows.columns.tolist() == [1, 2, 0, 2, 0, 1, 0, 1, 0, 1]
    assert rows.scores == pytest.approx(np.ones(10))
    assert rows.supports.tolist() == [3] * 10


@pytest.mark.parametrize("similarity", list(Similarity))
@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (1, 4), (4, 1)])
def test_one_user_or_one_item_has_no_neighbors(similarity: Similarity, shape: tuple[int, int]) -> None:
    rows = nearest(np.ones(shape, np.float32), NeighborSettings(similarity=similarity, minimum_support=2))
    assert len(rows) == 0
    assert len(rows.starts) == shape[1] + 1
