from pydantic import Field
from pydantic_settings import SettingsConfigDict
from sqlalchemy.engine import URL, make_url

from services.common.database import sqlite_url
from services.common.settings import ServiceSettings


class FeaturesSettings(ServiceSettings):
    """Settings of the feature store."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_FEATURES_")

    shared_fields = ServiceSettings.shared_fields | {"events_address", "minimum_users"}

    port: int = Field(7102, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    database_url: str = Field(
        "",
        description="Where catalog, users and features are kept, as an SQLAlchemy URL "
        "(mysql+pymysql://user:password@host/name); empty is SQLite, features.db in the state directory.",
    )
    events_address: str = Field("127.0.0.1:7101", min_length=1, description="The event log to make features from.")
    read_threads: int = Field(4, ge=1, le=64, description="Threads that read the store.")
    cached_items: int = Field(
        200_000, ge=1_000, description="Items that are kept in memory whole; their states always are."
    )
    cached_users: int = Field(20_000, ge=100, description="Users whose state and attributes are kept in memory.")
    tail_batch_size: int = Field(5_000, ge=1, le=5_000, description="Events that are taken from the log at once.")
    max_unsaved_events: int = Field(
        50_000,
        ge=1,
        description="Events that are applied in memory before they must be saved; a crash reads them again.",
    )
    lease_seconds: float = Field(
        6.0,
        ge=0.3,
        le=300.0,
        description="How long a worker keeps its share of the log's partitions without renewing the lease; after "
        "that the others go on with it.",
    )
    poll_seconds: float = Field(
        0.25, ge=0.01, le=60.0, description="Time between two looks at what other processes changed in the store."
    )

    minimum_users: int = Field(
        5,
        ge=1,
        description="Minimum number of users behind anything that others see of users' behavior: an item with fewer "
        "users is in no ranking.",
    )

    def url(self) -> URL:
        """Returns the URL of the store."""
        return make_url(self.database_url) if self.database_url else sqlite_url(self.state_directory / "features.db")
