"""What the candidates service can be told."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import SettingsConfigDict

from services.candidates.elastic.elasticsearch_settings import ElasticsearchSettings
from services.candidates.job_settings import (
    BasketSettings,
    JobSettings,
    NeighborSettings,
    SequenceSettings,
    TasteSettings,
)
from services.common.settings import ServiceSettings

_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class HistorySettings(BaseModel):
    """What of a visitor's history counts, and how much."""

    model_config = _STRICT

    session_weight: float = Field(3.0, ge=0, description="How much more the events of the session count.")
    session_half_life_hours: float = Field(6.0, gt=0, description="When that has faded to a half.")
    item_cf_items: int = Field(150, ge=1, le=5000, description="History items that item_cf looks up.")
    then_bought_items: int = Field(50, ge=1, le=5000, description="History items that then_bought looks up.")
    basket_items: int = Field(5, ge=1, le=100, description="Items of the cart that bought_together goes by.")
    rated_items: int = Field(100, ge=2, le=1000, description="History items that user_cf compares users by.")
    content_items: int = Field(10, ge=1, le=100, description="History items that content asks for alike ones.")


class CandidatesSettings(ElasticsearchSettings):
    """Settings of the candidates service. JSON is written as in VITRINE_CANDIDATES_QUOTAS='{"popular": 50}'."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_CANDIDATES_")
    shared_fields: ClassVar[frozenset[str]] = ServiceSettings.shared_fields | {
        "features_address",
        "events_address",
        "ranker_address",
        "minimum_users",
    }

    port: int = Field(7103, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    features_address: str = Field("127.0.0.1:7102", min_length=1, description="Where the features service is.")
    events_address: str = Field("127.0.0.1:7101", min_length=1, description="Where the events service is (jobs only).")
    ranker_address: str = Field(
        "127.0.0.1:7104",
        description="Where the ranker is, which encodes new items for `embedding`; empty: nobody does.",
    )
    sources: tuple[str, ...] = Field((), description="JSON list: the sources that are on, in order; empty is all.")
    quotas: Mapping[str, int] = Field({}, description="JSON: how many a source may propose, where not its own default.")
    weights: Mapping[str, float] = Field(
        {}, description="JSON: a source's weight in the fusion, where not its own default."
    )
    source_deadline_seconds: float = Field(0.05, gt=0, allow_inf_nan=False, description="How long a source may take.")
    source_deadlines: Mapping[str, float] = Field(
        {}, description="JSON: how many seconds a source may take, where not as long as the others."
    )
    custom_source_address: str = Field("", description="Where the shop's own source is; empty: there is none.")
    history: HistorySettings = Field(HistorySettings(), description="JSON: what of a visitor's history counts.")
    jobs: JobSettings = Field(JobSettings(), description="JSON: how the jobs work through the log.")
    neighbors: NeighborSettings = Field(NeighborSettings(), description="JSON: what users take as well.")
    next_items: SequenceSettings = Field(SequenceSettings(), description="JSON: what users turn to next.")
    bought_together: BasketSettings = Field(BasketSettings(), description="JSON: what is bought in one basket.")
    tastes: TasteSettings = Field(TasteSettings(), description="JSON: what is kept of users' and groups' tastes.")
    minimum_users: int = Field(
        5,
        ge=1,
        description="Users who must be behind what is shown to others of what users do: popularity, pairs of items, "
        "tastes of groups.",
    )
    vector_weights: Mapping[str, float] = Field(
        {},
        description="JSON: how much the items' vectors of a name count for how alike they are, beside all their "
        "features together, which count 1; a name that is not here counts 1, one with 0 is left out.",
    )
    vector_megabytes: int = Field(
        4096, ge=0, description="Memory for the items' vectors in the embedded index: more of them are left out."
    )
    synonyms_file: Path | None = Field(
        None, description='What means the same in a search: a file of lines such as "sofa, couch".'
    )
    new_days: int = Field(30, ge=1, le=3650, description="How long an item counts as new.")
    poll_seconds: float = Field(1.0, gt=0, le=60, allow_inf_nan=False, description="How often inputs are looked at.")

    @field_validator("quotas")
    @classmethod
    def _quotas_are_counts(cls, quotas: Mapping[str, int]) -> Mapping[str, int]:
        if any(not 0 <= quota <= 2000 for quota in quotas.values()):
            raise ValueError("a quota is a number from 0 to 2000")
        return quotas

    @field_validator("source_deadlines")
    @classmethod
    def _deadlines_are_times(cls, deadlines: Mapping[str, float]) -> Mapping[str, float]:
        if any(not 0 < seconds < float("inf") for seconds in deadlines.values()):
            raise ValueError("a deadline is a number of seconds above 0")
        return deadlines

    @field_validator("weights", "vector_weights")
    @classmethod
    def _weights_are_finite(cls, weights: Mapping[str, float]) -> Mapping[str, float]:
        if any(not 0 <= weight < float("inf") for weight in weights.values()):
            raise ValueError("a weight is a finite number from 0 on")
        return weights
