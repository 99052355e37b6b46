from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class FeatureDeclaration:
    """What a feature means, beside its code, for people and for the generated documentation."""

    name: str
    """The field of the contract, or the column of the model's input, that holds it."""

    description: str

    default: str | None = None
    """What stands in the field while nothing is known; None: the feature has no default, and readers must look at its
    status."""

    unit: str | None = None
    """None: it has none, or has columns of several."""

    window: str | None = None
    """How far back it looks, or its half-life; None: for ever."""

    freshness: timedelta | None = None
    """How long the log may not have been read to its end before the value is STALE; None: it is made of something else
    than the log."""
