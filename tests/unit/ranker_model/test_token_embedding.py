import numpy as np
import pytest

from services.ranker.inputs.item_text import TOKEN_BUCKETS, TOKEN_SLOTS, item_tokens
from services.ranker.model.embeddings import TokenEmbedding

NONE = np.zeros((1, TOKEN_SLOTS), np.uint16)


def embedding(rows: int = TOKEN_BUCKETS, missing_rate: float = 0.0) -> TokenEmbedding:
    layer = TokenEmbedding(rows, 4, 6, missing_rate, 1)
    layer.build((None,))
    return layer


def test_a_text_is_the_mean_of_its_tokens() -> None:
    layer = embedding()
    one, two, both = layer(np.array([[5] * 4, [7] * 4, [5, 7] * 2], np.uint16)).numpy()
    assert both == pytest.approx((one + two) / 2, abs=1e-7)


def test_no_text_is_a_vector_that_is_learned() -> None:
    layer = embedding()
    nothing = layer(NONE).numpy()
    assert nothing.any()
    layer.vectors.assign(np.concatenate([2 * layer.vectors[:1], layer.vectors[1:]]))
    assert layer(NONE).numpy() == pytest.approx(2 * nothing)


def test_fewer_rows_are_shared_but_never_with_no_text() -> None:
    layer = embedding(rows=3)
    tokens = np.arange(TOKEN_BUCKETS, dtype=np.uint16)[:, None]
    vectors = layer(tokens).numpy()
    assert len(np.unique(vectors, axis=0)) == 3
    assert (vectors[1:] != vectors[0]).any(axis=1).all()


def test_training_takes_a_part_of_the_texts_for_missing() -> None:
    layer = embedding(missing_rate=0.25)
    tokens = np.array([item_tokens("Green tea", {})] * 4_000, np.uint16)
    text, nothing = layer(tokens[:1]).numpy(), layer(NONE).numpy()
    taught = layer(tokens, training=True).numpy()
    missing = np.isclose(taught, nothing).all(axis=1)
    assert 0.2 < missing.mean() < 0.3
    assert np.allclose(taught[~missing], text)
    assert np.allclose(layer(tokens).numpy(), text)
