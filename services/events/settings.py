from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from services.common.database import sqlite_url
from services.common.settings import ServiceSettings


class EventsSettings(ServiceSettings):
    """What the event log can be told."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_EVENTS_")

    port: int = Field(7101, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    database_url: SecretStr = Field(
        SecretStr(""),
        description="Where the log is kept, as an SQLAlchemy URL (mysql+pymysql://user:password@host/name); "
        "empty is SQLite, events.db in the state directory.",
    )
    partitions: int = Field(
        8,
        ge=1,
        le=1024,
        description="Partitions of the log. Fixed at the first start: a log is never partitioned anew.",
    )
    max_waiting_events: int = Field(
        20_000, ge=1_000, le=1_000_000, description="Events that may wait for the writer; more are refused with advice."
    )
    max_group_events: int = Field(
        5_000, ge=1, le=100_000, description="Events that are committed together at the most; bounds a call's wait."
    )
    read_threads: int = Field(4, ge=1, le=64, description="Threads that read the log for tails, lists and exports.")
    tail_poll_seconds: float = Field(
        0.1, gt=0, le=60, allow_inf_nan=False, description="How often a tail looks for what other processes committed."
    )
    token_max_age_days: int = Field(
        30, ge=1, le=3650, description="Age up to which a tracking token attributes an event."
    )

    def url(self) -> URL:
        """Returns the URL of the log's store."""
        url = self.database_url.get_secret_value()
        return make_url(url) if url else sqlite_url(self.state_directory / "events.db")

    @field_validator("database_url")
    @classmethod
    def _is_a_url(cls, value: SecretStr) -> SecretStr:
        if url := value.get_secret_value():
            try:
                make_url(url)
            except ArgumentError:
                raise ValueError("not an SQLAlchemy URL; write dialect+driver://user:password@host/name") from None
        return value
