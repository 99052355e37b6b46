"""How the batch jobs compute."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.common.strengths import STRENGTHS
from vitrine.events.v1.event_pb2 import EventType

_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
_PREFIX = "EVENT_TYPE_"


class Similarity(StrEnum):
    """How alike two items are that users take."""

    COSINE = "cosine"
    PEARSON = "pearson"


class NeighborSettings(BaseModel):
    """How the item-item neighbors are computed."""

    model_config = _STRICT

    similarity: Similarity = Field(Similarity.COSINE, description="cosine, or pearson over the users in common.")
    half_life_days: float = Field(90.0, gt=0, description="Age at which an event counts half.")
    shrinkage: float = Field(10.0, ge=0, description="Similarity is multiplied by n / (n + this), n users in common.")
    minimum_support: int = Field(2, ge=1, description="Users in common that a pair needs.")
    per_item: int = Field(50, ge=1, le=1000, description="Neighbors kept per item.")
    items_per_user: int = Field(2_000, ge=1, description="Items of a user that count: the strongest ones.")


class SequenceSettings(BaseModel):
    """How it is counted what users turn to after an item."""

    model_config = _STRICT

    window: int = Field(10, ge=1, le=100, description="How many of a user's next items an item leads to.")
    shrinkage: float = Field(1.0, ge=0, description="A score is multiplied by n / (n + this), n the weighted count.")
    minimum_support: int = Field(1, ge=1, description="Users who took the second after the first, at the least.")
    per_item: int = Field(50, ge=1, le=1000, description="Next items kept per item.")
    items_per_user: int = Field(500, ge=2, description="Items of a user that count: the last ones.")


class BasketSettings(BaseModel):
    """How it is counted what is bought in one basket."""

    model_config = _STRICT

    shrinkage: float = Field(5.0, gt=0, description="Baskets of mere chance that are added to each pair's.")
    minimum_support: int = Field(3, ge=1, description="Baskets in common that a pair needs.")
    per_item: int = Field(50, ge=1, le=1000, description="Items kept per item.")
    largest: int = Field(200, ge=2, description="Items of a basket that count; a wholesaler's says little of pairs.")


class TasteSettings(BaseModel):
    """What is kept of users' ratings: for user_cf, and for the tastes of groups."""

    model_config = _STRICT

    users: int = Field(200_000, ge=1, description="Users kept for user_cf: those with the most items.")
    items_per_user: int = Field(200, ge=2, description="Items kept of a user: the strongest ones.")
    group_attributes: tuple[str, ...] = Field(
        ("region", "age_band", "gender", "income_band", "household"), description="User attributes that make groups."
    )
    group_users: int = Field(5, ge=1, description="Users that a group needs to be kept.")
    group_smoothing: float = Field(20.0, ge=0, description="Users with the taste of all, added to every group.")
    group_items: int = Field(300, ge=1, description="Items kept for a group.")


class JobSettings(BaseModel):
    """How the jobs work through the log."""

    model_config = _STRICT

    strengths: Mapping[str, float] = Field(
        {}, description='What an action says, where not the usual: {"VIEW": 1.0, "PURCHASE": 5.0}.'
    )
    block_entries: int = Field(20_000_000, ge=1000, description="Pairs in memory at a time, of some 32 bytes each.")
    saved_every: int = Field(2_000_000, ge=1, description="Events after which the reading's place is saved.")
    held_out_hours: float = Field(
        24.0, ge=0, description="The log's end that the quality is measured on; 0: it is not."
    )
    quality_floor: float = Field(0.8, ge=0, le=1, description="Part of the former version's quality to be reached.")

    @field_validator("strengths")
    @classmethod
    def _strengths_are_of_actions(cls, strengths: Mapping[str, float]) -> Mapping[str, float]:
        unknown = sorted(name for name in strengths if _PREFIX + name not in EventType.keys())  # noqa: SIM118  # an enum
        if unknown:
            known = (name for name in EventType.keys() if EventType.Value(name) in STRENGTHS)  # noqa: SIM118  # the same
            usual = ", ".join(name.removeprefix(_PREFIX) for name in known)
            raise ValueError(f"there is no action {', '.join(unknown)}; there are {usual}")
        return strengths

    def by_type(self) -> dict[int, float]:
        """Returns the strength of each EventType that says something."""
        return dict(STRENGTHS) | {EventType.Value(_PREFIX + name): value for name, value in self.strengths.items()}
