from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import ServiceSettings


class TrainingSettings(ServiceSettings):
    """Variables VITRINE_TRAINING_<FIELD>; the addresses also without TRAINING_."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_TRAINING_")
    shared_fields: ClassVar[frozenset[str]] = ServiceSettings.shared_fields | {
        "events_address",
        "features_address",
        "model_server_address",
    }

    events_address: str = Field(
        "127.0.0.1:7101", min_length=1, description="Where the events service is: host:port, or a gRPC target."
    )
    features_address: str = Field(
        "127.0.0.1:7102", min_length=1, description="Where the features service is: host:port, or a gRPC target."
    )
    model_server_address: str = Field(
        "127.0.0.1:8500", min_length=1, description="Where TensorFlow Serving or the embedded model server is."
    )
    canary_seconds: float = Field(
        60.0,
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="How long the model server may take to load a new version before it stays a canary; 0 promotes "
        "it without asking.",
    )
