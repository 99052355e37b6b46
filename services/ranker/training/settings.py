from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import ServiceSettings


class TrainingSettings(ServiceSettings):
    """Variables VITRINE_TRAINING_<FIELD>; the addresses also without TRAINING_."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_TRAINING_")
    shared_fields: ClassVar[frozenset[str]] = ServiceSettings.shared_fields | {"events_address", "features_address"}

    events_address: str = Field(
        "127.0.0.1:7101", min_length=1, description="Where the events service is: host:port, or a gRPC target."
    )
    features_address: str = Field(
        "127.0.0.1:7102", min_length=1, description="Where the features service is: host:port, or a gRPC target."
    )
