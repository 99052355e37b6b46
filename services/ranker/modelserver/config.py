"""ModelServerConfig: which models, from where, which versions and labels; and the watch that applies a changed file."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from google.protobuf import text_format

from services.common.errors import InvalidArgumentError, NotFoundError, VitrineError
from services.ranker.modelserver.manager import ModelManager
from services.ranker.modelserver.settings import ModelServerSettings
from services.ranker.modelserver.versions import ModelConfig, Policy
from services.ranker.tf_protos import model_server_config_pb2

PLATFORM = "tensorflow"


def first_configs(settings: ModelServerSettings) -> list[ModelConfig]:
    """Returns the models to serve from the start: the config file's or, without one, those of the settings.

    Raises InvalidArgumentError if the file can't be read.
    """
    file = settings.config_file
    if settings.model_config_file is None and not file.is_file():
        return configs_of(settings, [])
    try:
        return configs_of(settings, parse_config(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, InvalidArgumentError) as error:
        raise InvalidArgumentError(
            f"{file} is not a readable ModelServerConfig ({error}); "
            f"correct it, or {settings.variable('model_config_file')}"
        ) from error


def configs_of(settings: ModelServerSettings, in_file: Sequence[ModelConfig]) -> list[ModelConfig]:
    """Returns the models to serve if a file has `in_file`. A file named in the settings replaces their models; one
    that is merely found keeps the settings' other models.
    """
    if settings.model_config_file is not None:
        return list(in_file)
    named = {config.name for config in in_file}
    others = [ModelConfig(name, settings.base_path / name) for name in settings.models if name not in named]
    return [*in_file, *others]


def parse_config(text: str) -> list[ModelConfig]:
    """Returns the models of a ModelServerConfig in text form; raises InvalidArgumentError if it isn't one."""
    try:
        config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    except text_format.ParseError as error:
        raise InvalidArgumentError(f"this is not a ModelServerConfig: {error}") from error
    return read_config(config)


def read_config(config: Any) -> list[ModelConfig]:
    """Returns the models of a ModelServerConfig; raises InvalidArgumentError if it can't be served."""
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
    """Raises NotFoundError if a model's directory doesn't exist: a typo must not unload anything."""
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


_log = structlog.get_logger(__name__)


class ConfigWatch:
    """Applies a ModelServerConfig file when it has changed; until it can be applied, the previous one stays in force.

    A label whose version isn't loaded yet can't be applied yet: it's tried again at the next poll.
    """

    def __init__(self, settings: ModelServerSettings, manager: ModelManager) -> None:
        self._settings = settings
        self._file = settings.config_file
        self._manager = manager
        self._taken: str | None = None
        self._complaint = ""

    async def poll(self) -> None:
        """Checks the file once."""
        text = await asyncio.to_thread(self._read)
        if text is None or text == self._taken:
            return
        try:
            configs = parse_config(text)
            check_paths(configs)
            await self._manager.configure(configs_of(self._settings, configs))
        except VitrineError as error:
            if str(error) != self._complaint:
                _log.warning("model_config_not_taken", file=str(self._file), error=str(error))
            self._complaint = str(error)
        else:
            self._taken, self._complaint = text, ""
            _log.info("model_config_taken", file=str(self._file))

    def _read(self) -> str | None:
        """Returns the file's text; None if it can't be read, which must not unload anything."""
        try:
            return self._file.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None
