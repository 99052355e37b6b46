import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.protobuf import text_format

from services.common.artifacts import ArtifactStore
from services.common.errors import FailedPreconditionError, NotFoundError
from services.ranker.modelserver.config import parse_config
from services.ranker.tf_protos import model_server_config_pb2
from services.ranker.training.publishing.model_registry import EMBEDDINGS, ModelRegistry


def version(state: Path, number: int, *, embeddings: bool = True) -> None:
    (state / "models" / "behavior" / str(number)).mkdir(parents=True)
    if embeddings:
        store = ArtifactStore(state / "artifacts")
        now = datetime(2026, 3, 1, tzinfo=UTC)
        store.publish(EMBEDDINGS, lambda _: None, {"model_version": str(number)}, now, make_current=False)


def embeddings_of(state: Path) -> str:
    artifact = ArtifactStore(state / "artifacts").current(EMBEDDINGS)
    return "" if artifact is None else str(artifact.metadata["model_version"])


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    for number in (1, 2, 3):
        version(tmp_path, number)
    return ModelRegistry(tmp_path)


def test_before_any_label_the_newest_is_stable(registry: ModelRegistry, tmp_path: Path) -> None:
    assert registry.labels() == {"stable": 3}
    assert registry.stable() == tmp_path / "models" / "behavior" / "3"
    assert ModelRegistry(tmp_path / "nothing").labels() == {}
    assert ModelRegistry(tmp_path / "nothing").stable() is None
    assert ModelRegistry(tmp_path / "nothing").versions() == []


def test_the_way_forward_and_back(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.promote(1)
    registry.promote(2)
    assert registry.labels() == {"stable": 2, "previous": 1}
    assert embeddings_of(tmp_path) == "2"
    registry.try_out(3)
    assert registry.labels() == {"stable": 2, "previous": 1, "canary": 3}
    registry.promote(3)
    assert registry.labels() == {"stable": 3, "previous": 2}
    assert registry.rollback() == (3, 2)
    assert registry.labels() == {"stable": 2}
    assert embeddings_of(tmp_path) == "2"
    with pytest.raises(FailedPreconditionError, match="there are: 1, 2, 3"):
        registry.rollback()


def test_the_first_label_of_an_older_shop_leaves_what_serves(registry: ModelRegistry, tmp_path: Path) -> None:
    version(tmp_path, 4)
    registry.try_out(4)
    assert registry.labels() == {"stable": 3, "canary": 4}
    registry.promote(4)
    assert registry.rollback() == (4, 3)


def test_promoting_what_is_stable_changes_nothing(registry: ModelRegistry) -> None:
    registry.promote(1)
    registry.promote(2)
    registry.promote(2)
    assert registry.labels() == {"stable": 2, "previous": 1}


def test_a_version_that_is_not_there_is_refused(registry: ModelRegistry) -> None:
    for change in (registry.promote, registry.try_out):
        with pytest.raises(NotFoundError, match="no version 9 of the behavior model; there are: 1, 2, 3"):
            change(9)
    assert registry.labels() == {"stable": 3}


def test_a_label_of_a_version_that_is_gone_is_dropped(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.promote(1)
    registry.promote(2)
    (tmp_path / "models" / "behavior" / "1").rmdir()
    registry.promote(3)
    assert registry.labels() == {"stable": 3, "previous": 2}
    (tmp_path / "models" / "behavior" / "2").rmdir()
    with pytest.raises(FailedPreconditionError, match="there are: 3"):
        registry.rollback()
    assert registry.labels() == {"stable": 3, "previous": 2}


def test_the_labels_are_a_config_that_model_servers_read(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.promote(2)
    registry.try_out(3)
    (config,) = parse_config((tmp_path / "models" / "models.config").read_text())
    assert config.base_path == (tmp_path / "models" / "behavior").absolute()
    assert config.labels == {"stable": 2, "previous": 3, "canary": 3}
    assert config.policy.specific == {2, 3}


def test_what_an_operator_wrote_stays(registry: ModelRegistry, tmp_path: Path) -> None:
    file = tmp_path / "models" / "models.config"
    file.write_text(
        'model_config_list { config { name: "other" base_path: "/o" } '
        'config { name: "behavior" base_path: "/mnt/models/behavior" } }'
    )
    registry.promote(1)
    config = text_format.Parse(file.read_text(), model_server_config_pb2.ModelServerConfig()).model_config_list.config
    assert [entry.name for entry in config] == ["other", "behavior"]
    assert config[1].base_path == "/mnt/models/behavior"
    assert dict(config[1].version_labels) == {"stable": 1, "previous": 3}


def test_labels_that_cannot_be_read_are_named_and_kept(registry: ModelRegistry, tmp_path: Path) -> None:
    file = tmp_path / "models" / "models.config"
    file.write_text("nonsense {")
    with pytest.raises(FailedPreconditionError, match=r"models\.config is not a ModelServerConfig"):
        registry.promote(1)
    assert file.read_text() == "nonsense {"


def test_many_at_once_lose_no_label(registry: ModelRegistry, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: ModelRegistry(tmp_path).promote(1 + number % 3), range(24)))
    labels = registry.labels()
    assert labels.keys() == {"stable", "previous"}
    assert labels["stable"] != labels["previous"]
    assert embeddings_of(tmp_path) == str(labels["stable"])


def test_refused_runs_are_listed_with_the_reason(registry: ModelRegistry, tmp_path: Path) -> None:
    check = {"name": "finite for visitors", "passed": False, "found": "3 of 9", "needed": "0"}
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "4.json").write_text(json.dumps({"version": 4, "checks": [check]}))
    (tmp_path / "training" / "3.json").write_text('{"version": 3, "metrics": {}}')
    (tmp_path / "training" / "2.json").write_text("half a rec")
    newest, stable, broken, _ = registry.versions()
    assert (newest.number, newest.is_there, newest.refusals) == (4, False, ["finite for visitors: 3 of 9, needed 0"])
    assert (stable.number, stable.labels, stable.refusals) == (3, ("stable",), [])
    assert broken.record == {}
