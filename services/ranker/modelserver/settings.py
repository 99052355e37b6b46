"""Settings of the model server."""

import os
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from services.common.settings import ServiceSettings


class ModelServerSettings(ServiceSettings):
    """Variables VITRINE_MODELSERVER_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_MODELSERVER_")

    port: int = Field(8500, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    default_deadline_seconds: float = Field(
        120.0,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="Time for a call that comes without a deadline; a config reload waits for models to load.",
    )
    model_base_path: Path | None = Field(
        None, description="Where the models' directories are; empty takes models in the state directory."
    )
    models: list[str] = Field(
        ["behavior"],
        description="Names of the models (a JSON list): each is served from the directory of its name.",
    )
    model_config_file: Path | None = Field(
        None,
        description="A ModelServerConfig in text form instead of `models`, as TensorFlow Serving takes it; it is "
        "applied again when it changes. Empty takes models.config beside the models' directories, once it exists.",
    )
    poll_seconds: float = Field(
        1.0, gt=0, le=3600, allow_inf_nan=False, description="How often to look for versions on disk."
    )
    batch_threads: int = Field(
        max(1, os.cpu_count() or 1), ge=1, le=256, description="How many computations may run at once."
    )
    max_batch_rows: int = Field(32, ge=1, le=4096, description="How many requests (rows) are computed together.")
    allowed_batch_rows: list[int] = Field(
        [1, 2, 4, 8, 16, 32],
        description="Sizes that batches are padded to (an ascending JSON list, the last one max_batch_rows or more), "
        "so that models see few shapes; an empty list pads nothing.",
    )
    max_queued_requests: int = Field(
        64, ge=1, le=100_000, description="Maximum number of waiting requests; more are refused as UNAVAILABLE."
    )
    intra_op_threads: int = Field(
        1,
        ge=0,
        le=1024,
        description="Threads inside an operation; 0 is one per core. Small models are slower with more than one.",
    )
    inter_op_threads: int = Field(
        -1, ge=-1, le=1024, description="Threads among operations; 0 is one per core, -1 only the batch's own."
    )

    @property
    def config_file(self) -> Path:
        """Path of the ModelServerConfig, whether or not it exists yet."""
        return self.model_config_file or self.base_path / "models.config"

    @field_validator("allowed_batch_rows")
    @classmethod
    def _ascending(cls, sizes: list[int]) -> list[int]:
        if any(size < 1 for size in sizes) or sorted(set(sizes)) != sizes:
            raise ValueError("give numbers from 1 on, each greater than the one before")
        return sizes

    @property
    def base_path(self) -> Path:
        """Where the models' directories are."""
        return (self.model_base_path or self.state_directory / "models").absolute()
