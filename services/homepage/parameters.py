"""Parameters that shape a page, and that experiments can vary."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Quota = Annotated[int, Field(ge=0, le=2000)]


class PageParameters(BaseModel):
    """Typed parameters of a page; experiments override them field by field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate_limit: int = Field(500, ge=1, le=2000, description="Total number of candidates to retrieve.")
    source_quotas: dict[str, Quota] = Field(
        default_factory=dict, description="Maximum number of candidates per source, by its name."
    )
    similar_items: int = Field(
        48, ge=0, le=500, description="Items similar to the one of the visitor's last strong action; 0: none."
    )
    trending_items: int = Field(60, ge=0, le=500, description="Trending items; 0: none.")
    category_run: int = Field(
        2,
        ge=1,
        le=60,
        description="Maximum number of cards of one leaf category among `category_window` neighbors in the feed.",
    )
    category_window: int = Field(5, ge=1, le=60, description="Number of neighbors that `category_run` covers.")
    category_lookahead: int = Field(
        8, ge=0, le=200, description="How far down the ranking the feed searches for another category."
    )
    linear_only: bool = Field(False, description="Rank with the linear scorer.")
    model: str = Field("", max_length=256, description="Version or label of the behavior model; empty is the default.")
