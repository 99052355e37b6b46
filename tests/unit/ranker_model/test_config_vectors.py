from pathlib import Path

import pytest

from services.ranker.model.config import BehaviorModelConfig


def read(folder: Path, text: str) -> BehaviorModelConfig:
    path = folder / "model.json"
    path.write_text(text)
    return BehaviorModelConfig.read(path)


def test_vectors_are_read_by_name(tmp_path: Path) -> None:
    config = read(tmp_path, '{"vectors": {"text": 64, "image": 32}, "token_rows": 0}')
    assert config.vectors == (("image", 32), ("text", 64))
    assert config == BehaviorModelConfig(vectors=(("image", 32), ("text", 64)), token_rows=0)
    assert not BehaviorModelConfig().item_vectors


def test_the_text_encoder_has_a_vector_among_the_shops(tmp_path: Path) -> None:
    config = read(tmp_path, '{"vectors": {"text": 64, "image": 32}, "text_encoder": "minilm"}')
    assert list(config.item_vectors.items()) == [("image", 32), ("minilm", 384), ("text", 64)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"vectors": {"text": 0}}', "lengths of 1 or more"),
        ('{"vectors": {"text": "64"}}', 'vectors is .* looks like {"name": 64}'),
        ('{"vectors": 64}', 'vectors is 64; it looks like {"name": 64}'),
        ('{"vectors": [64]}', "vectors is"),
        ('{"text_encoder": "bert"}', 'text_encoder is "bert"; give one of minilm, or none: ""'),
        ('{"text_encoder": 3}', 'text_encoder is 3; it looks like ""'),
        ('{"vectors": {"minilm": 64}}', 'vectors has "minilm".* give text_encoder, or rename'),
        ('{"token_rows": 1}', "give 0, or from 2"),
        ('{"token_rows": 40000}', "give 0, or from 2"),
        ('{"token_width": 0}', "1 or more"),
    ],
)
def test_values_that_are_none_are_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(tmp_path, text)
