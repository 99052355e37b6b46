import math

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from services.common.database import sqlite_url
from services.common.iso_4217 import currency_codes
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
        description="Partitions of the log. Fixed at the first start: a log can't be repartitioned.",
    )
    max_waiting_events: int = Field(
        20_000, ge=1_000, le=1_000_000, description="Events that may wait for the writer; more are refused."
    )
    max_group_events: int = Field(
        5_000, ge=1, le=100_000, description="The most events per transaction; bounds a call's wait."
    )
    read_threads: int = Field(4, ge=1, le=64, description="Threads that read the log for tails, lists and exports.")
    tail_poll_seconds: float = Field(
        0.1,
        gt=0,
        le=60,
        allow_inf_nan=False,
        description="How often a tail checks for events that other processes committed.",
    )
    token_max_age_days: int = Field(30, ge=1, le=3650, description="Age up to which a tracking token counts.")

    currency: str = Field(
        "",
        description="The shop's currency (ISO 4217, such as EUR), into which prices are converted; "
        "empty leaves prices as they are.",
    )
    currency_rates: dict[str, float] = Field(
        {},
        description='Value of one unit of each other currency in the shop\'s, as JSON: {"USD": 0.92, "GBP": 1.17}.',
    )
    bot_events_per_minute: int = Field(
        120,
        ge=10,
        le=100_000,
        description="Views, clicks and the like by a visitor in one minute; more are flagged.",
    )
    burst_repeats: int = Field(
        10, ge=2, le=100_000, description="Repeats of an action on an item by a visitor in 10 s; more are flagged."
    )
    retention_days: int = Field(
        0, ge=0, le=36_500, description="How long events and pages are kept from their arrival; 0 keeps them forever."
    )
    retention_interval_seconds: float = Field(
        3600.0, gt=0, le=86_400, allow_inf_nan=False, description="How often old events and pages are deleted."
    )

    def url(self) -> URL:
        """Returns the URL of the log's store."""
        url = self.database_url.get_secret_value()
        return make_url(url) if url else sqlite_url(self.state_directory / "events.db")

    @field_validator("currency")
    @classmethod
    def _is_a_currency(cls, code: str) -> str:
        if code and code.upper() not in currency_codes():
            raise ValueError(f"{code!r} is not a code of ISO 4217; write three letters such as EUR")
        return code.upper()

    @field_validator("currency_rates")
    @classmethod
    def _are_rates(cls, rates: dict[str, float]) -> dict[str, float]:
        for code, rate in rates.items():
            if code.upper() not in currency_codes():
                raise ValueError(f"{code!r} is not a code of ISO 4217; write three letters such as USD")
            if not 0.0 < rate < math.inf:
                raise ValueError(f"the rate of {code} is {rate:g}; write a number above 0")
        return {code.upper(): rate for code, rate in rates.items()}

    @field_validator("database_url")
    @classmethod
    def _is_a_url(cls, value: SecretStr) -> SecretStr:
        if url := value.get_secret_value():
            try:
                make_url(url)
            except ArgumentError:
                raise ValueError("not an SQLAlchemy URL; write dialect+driver://user:password@host/name") from None
        return value
