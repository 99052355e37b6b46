"""Reads a ModelServerConfig: which models, from where, which versions, which labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from services.common.errors import InvalidArgumentError, NotFoundError
from services.ranker.modelserver.settings import ModelServerSettings
from services.ranker.modelserver.versions import ModelConfig, Policy
from services.ranker.tf_protos import model_server_config_pb2

PLATFORM = "tensorflow"


def first_configs(settings: ModelServerSettings) -> list[ModelConfig]:
    """Returns what is served from the start: the config file's models, else those of the settings.

    Raises InvalidArgumentError where the file cannot be read.
    """
    file = settings.config_file
    if settings.model_config_file is None and not file.is_file():
        return configs_of(settings, [])
    try:
        return configs_of(settings, parse_config(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, InvalidArgumentError) as error:
        raise InvalidArgumentError(
            f"{file} is no readable ModelServerConfig ({error}); "
            f"correct it, or {settings.variable('model_config_file')}"
        ) from error


def configs_of(settings: ModelServerSettings, in_file: Sequence[ModelConfig]) -> list[ModelConfig]:
    """Returns what is to be served where a file says `in_file`. A file that was asked for is the whole truth; one that
    merely lies there leaves the settings' other models as they are.
    """
    if settings.model_config_file is not None:
        return list(in_file)
    named = {config.name for config in in_file}
    others = [ModelConfig(name, settings.base_path / name) for name in settings.models if name not in named]
    return [*in_file, *others]


def parse_config(text: str) -> list[ModelConfig]:
    """Returns the models of a ModelServerConfig in text form; raises InvalidArgumentError where it is none."""
    try:
        config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    except text_format.ParseError as error:
        raise InvalidArgumentError(f"this is no ModelServerConfig: {error}") from error
    return read_config(config)


def read_config(config: Any) -> list[ModelConfig]:
    """Returns the models of a ModelServerConfig; raises InvalidArgumentError where it is not one that can be served."""
    if config.WhichOneof("config") != "model_config_list":
        raise InvalidArgumentError(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. "
            "Only ModelConfigList is currently supported",
            reason="CONFIG_TYPE_NOT_SUPPORTED",
        )
    models: dict[str, ModelConfig] = {}
    for model in config.model_config_list.config:
        if not model.name:
            raise InvalidArgumentError("A model in the config list has no name; set `name`", reason="NAME_REQUIRED")
        if model.name in models:
            raise InvalidArgumentError(f"Illegal to list model {model.name} multiple times in config list")
        if model.model_platform not in {"", PLATFORM}:
            raise InvalidArgumentError(
                f"Model {model.name} has platform {model.model_platform}; only {PLATFORM} is served"
            )
        if not Path(model.base_path).is_absolute():
            raise InvalidArgumentError(
                f"Expected model {model.name} to have an absolute path or URI; got base_path()={model.base_path}"
            )
        models[model.name] = ModelConfig(
            model.name, Path(model.base_path), _policy(model.model_version_policy), dict(model.version_labels)
        )
    return list(models.values())


def check_paths(configs: Sequence[ModelConfig]) -> None:
    """Raises NotFoundError where a model's directory is not there: a typing error shall unload nothing."""
    for config in configs:
        if not config.base_path.is_dir():
            raise NotFoundError(f"Could not find base path {config.base_path} for servable {config.name}")


def _policy(policy: Any) -> Policy:
    match policy.WhichOneof("policy_choice"):
        case "all":
            return Policy(all=True)
        case "specific":
            if not policy.specific.versions:
                raise InvalidArgumentError("The version policy `specific` names no version; name one, or take `latest`")
            return Policy(specific=frozenset(policy.specific.versions))
        case _:
            return Policy(latest=max(1, policy.latest.num_versions))
