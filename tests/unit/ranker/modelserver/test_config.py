from pathlib import Path

import pytest
from google.protobuf import text_format

from services.common.errors import InvalidArgumentError
from services.ranker.modelserver.config import first_configs, read_config
from services.ranker.modelserver.settings import ModelServerSettings
from services.ranker.modelserver.versions import ModelConfig, Policy
from services.ranker.tf_protos import model_server_config_pb2

CONFIG = """
model_config_list {
  config {
    name: "behavior"
    base_path: "/models/behavior"
    model_platform: "tensorflow"
    model_version_policy { specific { versions: 3 versions: 4 } }
    version_labels { key: "stable" value: 3 }
  }
  config { name: "other" base_path: "/models/other" model_version_policy { latest { num_versions: 2 } } }
}
"""


def test_without_a_file_the_models_lie_in_the_state_directory(tmp_path: Path) -> None:
    settings = ModelServerSettings(state_directory=tmp_path)
    assert first_configs(settings) == [ModelConfig("behavior", tmp_path / "models" / "behavior")]


def test_a_file_says_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    file.write_text(CONFIG)
    behavior, other = first_configs(ModelServerSettings(model_config_file=file))
    assert behavior == ModelConfig(
        "behavior", Path("/models/behavior"), Policy(specific=frozenset({3, 4})), {"stable": 3}
    )
    assert other.policy == Policy(latest=2)


@pytest.mark.parametrize("content", [None, b"no config {", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "models.config"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidArgumentError, match="VITRINE_MODELSERVER_MODEL_CONFIG_FILE"):
        first_configs(ModelServerSettings(model_config_file=file))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Only ModelConfigList"),
        ('model_config_list { config { base_path: "/m" } }', "no name"),
        ('model_config_list { config { name: "m" base_path: "m" } }', "absolute path"),
        ('model_config_list { config { name: "m" base_path: "/m" model_platform: "torch" } }', "torch"),
        (
            'model_config_list { config { name: "m" base_path: "/m" model_version_policy { specific {} } } }',
            "names no version",
        ),
    ],
)
def test_a_config_that_cannot_be_served_is_refused(text: str, words: str) -> None:
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    with pytest.raises(InvalidArgumentError, match=words):
        read_config(config)
