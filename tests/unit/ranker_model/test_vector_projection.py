import numpy as np
import pytest

from services.ranker.model.embeddings import VectorProjection


def projection(missing_rate: float = 0.0) -> VectorProjection:
    layer = VectorProjection(3, 5, missing_rate, 1)
    layer.build((None,))
    return layer


def test_an_item_without_a_vector_has_a_learned_one() -> None:
    layer = projection()
    there, nothing = layer(np.array([[0, 1, 0], [0, 0, 0]], np.float16)).numpy()
    assert nothing == pytest.approx(layer.missing.numpy())
    assert nothing.any()
    assert there == pytest.approx(layer._project.kernel.numpy()[1], abs=1e-3)


def test_training_takes_a_part_of_the_vectors_for_missing() -> None:
    layer = projection(0.25)
    vectors = np.tile(np.array([0.6, 0, 0.8], np.float16), (4_000, 1))
    taught = layer(vectors, training=True).numpy()
    missing = np.isclose(taught, layer.missing.numpy()).all(axis=1)
    assert 0.2 < missing.mean() < 0.3
    assert np.allclose(taught[~missing], layer(vectors[:1]).numpy())
