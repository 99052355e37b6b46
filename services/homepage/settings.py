from typing import ClassVar, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from services.common.settings import ServiceSettings
from services.homepage.experiments import Experiment
from services.homepage.locales.texts import LANGUAGES
from services.homepage.parameters import PageParameters


class HomepageSettings(ServiceSettings):
    """Settings of the homepage service."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_HOMEPAGE_")

    shared_fields: ClassVar[frozenset[str]] = ServiceSettings.shared_fields | {
        "events_address",
        "features_address",
        "candidates_address",
        "ranker_address",
    }

    port: int = Field(7105, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    default_deadline_seconds: float = Field(
        1.0, gt=0, le=3600, allow_inf_nan=False, description="Deadline for calls without one."
    )
    events_address: str = Field("127.0.0.1:7101", min_length=1, description="The events service.")
    features_address: str = Field("127.0.0.1:7102", min_length=1, description="The features service.")
    candidates_address: str = Field("127.0.0.1:7103", min_length=1, description="The candidates service.")
    ranker_address: str = Field("127.0.0.1:7104", min_length=1, description="The ranker service.")
    page_seconds: float = Field(
        1.0, gt=0.01, le=60, allow_inf_nan=False, description="Maximum time for a page, even if the client allows more."
    )
    reserve_seconds: float = Field(
        0.04, ge=0, le=10, allow_inf_nan=False, description="Part of that time reserved for rendering."
    )
    debug_allowed: bool = Field(
        False,
        description="Whether requests may ask for debug responses, replay times and experiment buckets. Only for "
        "servers that no visitor can reach, not even through a proxy.",
    )
    shop_language: str = Field("en", description="Language of the texts if the request's isn't available: en or de.")
    parameters: PageParameters = Field(
        PageParameters(), description='Page parameters, as JSON such as {"candidate_limit": 400}.'
    )
    experiments: tuple[Experiment, ...] = Field(
        (),
        description='Experiments as JSON: [{"name": "…", "buckets": [{"name": "…", "weight": 1, "parameters": {}}]}].',
    )
    shared_value_seconds: float = Field(
        5.0, gt=0, allow_inf_nan=False, description="Maximum age of the category tree and the rankings."
    )
    static_page_seconds: float = Field(
        30.0, gt=0, allow_inf_nan=False, description="How often the static pages are refreshed."
    )
    static_page_max_age_seconds: float = Field(
        1800.0,
        gt=0,
        allow_inf_nan=False,
        description="Maximum age of a static page in an outage; after that the page is empty. An older one could show "
        "items that were hidden or sold out long ago.",
    )
    page_log_capacity: int = Field(2000, ge=1, description="Maximum number of pages waiting for the page log.")

    @field_validator("shop_language")
    @classmethod
    def _known_language(cls, language: str) -> str:
        if language not in LANGUAGES:
            raise ValueError(f"no texts in {language!r}; set one of {', '.join(LANGUAGES)}")
        return language

    @model_validator(mode="after")
    def _static_pages_outlive_their_refresh(self) -> Self:
        if self.static_page_max_age_seconds < self.static_page_seconds:
            raise ValueError(
                f"static_page_max_age_seconds is {self.static_page_max_age_seconds:g}, below static_page_seconds; set "
                f"at least {self.static_page_seconds:g}"
            )
        return self

    @field_validator("experiments")
    @classmethod
    def _distinct_names(cls, experiments: tuple[Experiment, ...]) -> tuple[Experiment, ...]:
        names = [experiment.name for experiment in experiments]
        if len(set(names)) != len(names):
            raise ValueError("two experiments have the same name; give each a unique name")
        return experiments
