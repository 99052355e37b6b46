"""What shapes a page and may be varied by an experiment."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Quota = Annotated[int, Field(ge=0, le=2000)]


class PageParameters(BaseModel):
    """Typed parameters of a page; experiments override them field by field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate_limit: int = Field(500, ge=1, le=2000, description="Candidates asked for in all.")
    source_quotas: dict[str, Quota] = Field(
        default_factory=dict, description="Candidates of a source at the most, by its name."
    )
    similar_items: int = Field(
        48, ge=0, le=500, description="Items like the visitor's last strong action; 0 asks for none."
    )
    trending_items: int = Field(60, ge=0, le=500, description="Rising items; 0 asks for none.")
    category_run: int = Field(
        2, ge=1, le=60, description="Cards of one leaf category among `category_window` neighbors of the feed."
    )
    category_window: int = Field(5, ge=1, le=60, description="How many neighbors `category_run` looks at.")
    category_lookahead: int = Field(
        8, ge=0, le=200, description="How far down the ranking the feed looks for another category."
    )
    linear_only: bool = Field(False, description="Rank by the linear scorer.")
    model: str = Field("", max_length=256, description="Version or label of the behavior model; empty is the default.")
