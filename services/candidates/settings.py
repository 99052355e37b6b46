"""What the candidates service can be told."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import SettingsConfigDict

from services.common.settings import ServiceSettings

_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class HistorySettings(BaseModel):
    """What of a visitor's history counts, and how much."""

    model_config = _STRICT

    session_weight: float = Field(3.0, ge=0, description="How much more the events of the session count.")
    session_half_life_hours: float = Field(6.0, gt=0, description="When that has faded to a half.")
    item_cf_items: int = Field(150, ge=1, le=5000, description="History items that item_cf asks the neighbours of.")
    content_items: int = Field(10, ge=1, le=100, description="History items that content asks for alike ones.")


class NeighborSettings(BaseModel):
    """How the item-item neighbours are computed."""

    model_config = _STRICT

    half_life_days: float = Field(90.0, gt=0, description="Age at which an event counts half.")
    shrinkage: float = Field(10.0, ge=0, description="Similarity is multiplied by n / (n + this), n users in common.")
    minimum_support: int = Field(2, ge=1, description="Users in common that a pair needs.")
    per_item: int = Field(50, ge=1, le=1000, description="Neighbours kept for an item.")
    items_per_user: int = Field(2_000, ge=1, description="Items of a user that count: the strongest ones.")
    block_entries: int = Field(20_000_000, ge=1000, description="Pairs in memory at a time, of some 32 bytes each.")


class CandidatesSettings(ServiceSettings):
    """Settings of the candidates service. JSON is written as in VITRINE_CANDIDATES_QUOTAS='{"popular": 50}'."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_CANDIDATES_")
    shared_fields: ClassVar[frozenset[str]] = ServiceSettings.shared_fields | {"features_address", "events_address"}

    port: int = Field(7103, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    features_address: str = Field("127.0.0.1:7102", min_length=1, description="Where the features service is.")
    events_address: str = Field("127.0.0.1:7101", min_length=1, description="Where the events service is (jobs only).")
    sources: tuple[str, ...] = Field((), description="JSON list: the sources that are on, in order; empty is all.")
    quotas: Mapping[str, int] = Field({}, description="JSON: how many a source may propose, where not its own default.")
    weights: Mapping[str, float] = Field(
        {}, description="JSON: a source's weight in the fusion, where not its own default."
    )
    source_deadline_seconds: float = Field(0.05, gt=0, allow_inf_nan=False, description="How long a source may take.")
    history: HistorySettings = Field(HistorySettings(), description="JSON: what of a visitor's history counts.")
    neighbors: NeighborSettings = Field(NeighborSettings(), description="JSON: how the neighbours job computes.")
    new_days: int = Field(30, ge=1, le=3650, description="How long an item counts as new.")
    poll_seconds: float = Field(1.0, gt=0, le=60, allow_inf_nan=False, description="How often inputs are looked at.")

    @field_validator("quotas")
    @classmethod
    def _quotas_are_counts(cls, quotas: Mapping[str, int]) -> Mapping[str, int]:
        if any(not 0 <= quota <= 2000 for quota in quotas.values()):
            raise ValueError("a quota is a number from 0 to 2000")
        return quotas

    @field_validator("weights")
    @classmethod
    def _weights_are_finite(cls, weights: Mapping[str, float]) -> Mapping[str, float]:
        if any(not 0 <= weight < float("inf") for weight in weights.values()):
            raise ValueError("a weight is a finite number from 0 on")
        return weights
