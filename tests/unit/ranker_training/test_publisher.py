import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from services.common.artifacts import ArtifactStore
from services.ranker.linear_weights import ARTIFACT, FILE
from services.ranker.training.item_vectors import ItemVectors
from services.ranker.training.publishing.model_registry import EMBEDDINGS
from services.ranker.training.publishing.publisher import Publisher

NOW = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)


def model(folder: Path) -> None:
    (folder / "saved_model.pb").write_bytes(b"model")


def publish(publisher: Publisher, version: int | None = None) -> int:
    version = publisher.next_version() if version is None else version
    pair = np.array([4, 9], np.uint32)
    publisher.publish(publisher.draft(model), version, ItemVectors(pair, np.ones((2, 3), np.float32), pair, pair))
    return version


def test_a_version_is_the_time_and_grows(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, NOW)
    assert publisher.next_version() == 20260301123015
    publish(publisher)
    assert publisher.next_version() == 20260301123016
    assert (tmp_path / "models" / "behavior" / "20260301123015" / "saved_model.pb").is_file()


def test_a_draft_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        model(folder)
        raise OSError("no space left on device")

    publisher = Publisher(tmp_path, NOW)
    with pytest.raises(OSError, match="no space"):
        publisher.draft(fail)
    assert list((tmp_path / "models" / "behavior").iterdir()) == []


def test_a_draft_has_no_name_that_a_server_loads(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, NOW)
    draft = publisher.draft(model)
    assert not draft.name.isdigit()
    assert publisher.registry.numbers() == []


def test_of_old_versions_the_newest_stay(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, NOW)
    for _ in range(5):
        publish(publisher)
    first = 20260301123015
    assert publisher.registry.numbers() == [first + 2, first + 3, first + 4]
    assert len(list((tmp_path / "models" / "behavior").iterdir())) == 3


def test_what_serves_and_the_way_back_stay_however_old(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, NOW)
    first, second = publish(publisher), publish(publisher)
    publisher.registry.promote(first)
    publisher.registry.promote(second)
    tried = [publish(publisher) for _ in range(5)]
    assert publisher.registry.numbers() == [first, second, *tried[-3:]]
    assert publisher.registry.rollback() == (second, first)
    artifact = ArtifactStore(tmp_path / "artifacts").current(EMBEDDINGS)
    assert artifact is not None
    assert artifact.metadata["model_version"] == str(first)


def test_embeddings_say_which_model_they_fit(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, NOW)
    publish(publisher, 77)
    assert ArtifactStore(tmp_path / "artifacts").current(EMBEDDINGS) is None
    publisher.registry.promote(77)
    artifact = ArtifactStore(tmp_path / "artifacts").current(EMBEDDINGS)
    assert artifact is not None
    assert artifact.metadata["model_version"] == "77"
    assert np.load(artifact.path / "vectors.npy").shape == (2, 3)
    assert np.load(artifact.path / "item_nos.npy").tolist() == [4, 9]


def test_linear_weights_are_what_the_ranker_reads(tmp_path: Path) -> None:
    Publisher(tmp_path, NOW).publish_linear({"bias": -2.0, "bought": 1.5}, {"ndcg": 0.2})
    artifact = ArtifactStore(tmp_path / "artifacts").current(ARTIFACT)
    assert artifact is not None
    assert json.loads((artifact.path / FILE).read_bytes()) == {"bias": -2.0, "bought": 1.5}


def test_weights_that_are_not_finite_are_not_published(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        Publisher(tmp_path, NOW).publish_linear({"bias": float("nan")}, {})
    assert ArtifactStore(tmp_path / "artifacts").current(ARTIFACT) is None
