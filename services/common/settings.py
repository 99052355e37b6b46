"""Settings come from the environment: one typed class per service, checked before anything starts."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

SHARED_PREFIX: Final = "VITRINE_"
MIN_SIGNING_KEY_BYTES: Final = 32


class ServiceSettings(BaseSettings):
    """The settings of every service. A service derives its own class, with its own prefix.

    `class EventsSettings(ServiceSettings): model_config = SettingsConfigDict(env_prefix="VITRINE_EVENTS_")`

    The variables named in `shared_fields` are also read without the service's name (VITRINE_LOG_LEVEL); where both are
    set, the service's own (VITRINE_EVENTS_LOG_LEVEL) wins. An empty variable counts as not set.
    """

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    shared_fields: ClassVar[frozenset[str]] = frozenset(
        {"state_directory", "signing_key", "log_level", "otlp_endpoint"}
    )

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0 or [::] for all.")
    port: int = Field(0, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    metrics_port: int = Field(0, ge=0, le=65535, description="Port of the Prometheus metrics over HTTP; 0 is off.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least that is logged.")
    grace_seconds: float = Field(
        10.0, ge=0, le=600, allow_inf_nan=False, description="How long calls in flight may take after SIGTERM."
    )
    default_deadline_seconds: float = Field(
        5.0, gt=0, le=3600, allow_inf_nan=False, description="Time for a call that comes without a deadline."
    )
    max_message_bytes: int = Field(
        16 * 1024 * 1024, ge=64 * 1024, le=512 * 1024 * 1024, description="Largest request and largest answer."
    )
    max_connection_age_seconds: float = Field(
        300.0, gt=0, allow_inf_nan=False, description="When clients are asked to reconnect, and so to spread out."
    )
    otlp_endpoint: str = Field("", description="Where OpenTelemetry traces go (http://host:4317); empty is off.")
    state_directory: Path = Field(Path(".vitrine"), description="Where the embedded stores and artifacts are.")
    signing_key: SecretStr = Field(
        SecretStr(""),
        description="Signs cursors and tracking tokens: 32 characters or more, the same for all services; "
        "empty takes (or makes) signing.key in the state directory.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Reads the service's own variables first, then the shared ones."""
        return init_settings, env_settings, _SharedVariables(settings_cls, env_prefix=SHARED_PREFIX)

    @field_validator("signing_key")
    @classmethod
    def _long_enough(cls, key: SecretStr) -> SecretStr:
        length = len(key.get_secret_value().encode())
        if 0 < length < MIN_SIGNING_KEY_BYTES:
            raise ValueError(f"has {length} bytes; give {MIN_SIGNING_KEY_BYTES} or more (openssl rand -base64 32)")
        return key

    @classmethod
    def service_name(cls) -> str:
        """Returns the service's short name, from its prefix: "events" for VITRINE_EVENTS_."""
        return str(cls.model_config.get("env_prefix", "")).removeprefix(SHARED_PREFIX).strip("_").lower()

    @classmethod
    def variable(cls, field: str) -> str:
        """Returns the name of the environment variable of `field`."""
        return f"{cls.model_config.get('env_prefix', '')}{field}".upper()


class _SharedVariables(EnvSettingsSource):
    """VITRINE_<FIELD>, for the shared fields only: VITRINE_PORT would set every service's port."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        shared: frozenset[str] = getattr(self.settings_cls, "shared_fields", frozenset())
        if field_name not in shared:
            return None, field_name, False
        return super().get_field_value(field, field_name)


def unknown_variables(settings_cls: type[ServiceSettings], environment: Mapping[str, str]) -> dict[str, str | None]:
    """Returns the variables with the service's prefix that aren't settings, each with the most similar setting."""
    prefix = settings_cls.variable("")
    # Other services find this one by its address; in a shared environment, it sees that variable too.
    known = [*(name.upper() for name in settings_cls.model_fields), "ADDRESS"]
    found: dict[str, str | None] = {}
    for variable in environment:
        name = variable.upper().removeprefix(prefix)
        if variable.upper().startswith(prefix) and name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            found[variable] = prefix + nearest[0] if nearest else None
    return found
