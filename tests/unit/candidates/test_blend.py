import numpy as np
import pytest
from numpy.typing import NDArray

from services.candidates.vectors.blend import Part, blended
from services.common.direction import VectorFault, direction, units


def drawn(count: int, dimensions: int, missing: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Returns unit vectors as rows; of a part of them zeros."""
    rows = random.normal(size=(count, dimensions))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[random.random(count) < missing] = 0
    return rows.astype(np.float32)


@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
def test_it_is_the_cosine_of_the_concatenated_parts(missing: float) -> None:
    random = np.random.default_rng(0)
    weights = (1.0, 0.5, 2.0)  # of the features and of two names
    found = [drawn(40, size, missing, random) for size in (5, 3, 7)]
    history = [drawn(6, size, missing, random) for size in (5, 3, 7)]
    together = [
        np.concatenate([weight * rows for weight, rows in zip(weights, sides, strict=True)], axis=1)
        for sides in (found, history)
    ]
    lengths = [np.linalg.norm(rows, axis=1) for rows in together]
    product = together[0] @ together[1].T
    dense = np.divide(product, np.outer(*lengths), out=np.zeros_like(product), where=np.outer(*lengths) > 0)
    parts = [Part(weights[place], found[place], history[place]) for place in (1, 2)]
    known = [np.array([row.any() for row in sides[0]], np.bool_) for sides in (found, history)]
    made = blended(found[0] @ history[0].T, known[0], known[1], parts)
    assert made == pytest.approx(np.maximum(dense, 0), abs=1e-6)
    assert made.min() >= 0
    assert made.max() <= 1


def test_without_vectors_it_is_the_features_cosine() -> None:
    cosines = np.array([[0.25, 0.0], [1.0, 0.5]], np.float32)
    known = np.ones(2, np.bool_)
    assert blended(cosines, known, known, []).tolist() == cosines.tolist()


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ([], VectorFault.ZERO),
        ([0.0, -0.0], VectorFault.ZERO),
        ([1.0, float("nan")], VectorFault.NOT_FINITE),
        ([float("inf"), 1.0], VectorFault.NOT_FINITE),
    ],
)
def test_what_has_no_direction(values: list[float], fault: VectorFault) -> None:
    assert direction(values) is fault


@pytest.mark.parametrize("length", [1e-45, 1e-20, 1.0, 3.4e38])
def test_a_direction_has_no_length(length: float) -> None:
    made = direction(np.array([length, 0.0, -length], np.float32))
    assert isinstance(made, np.ndarray)
    assert made.dtype == np.float16
    unit = units(np.stack([made, np.zeros(3, np.float16)]))
    assert unit[0].tolist() == pytest.approx([0.5**0.5, 0.0, -(0.5**0.5)], abs=1e-3)
    assert np.linalg.norm(unit, axis=1).tolist() == pytest.approx([1.0, 0.0], abs=1e-6)
