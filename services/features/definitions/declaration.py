from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeatureDeclaration:
    """What a feature means, beside its code, for people and for the generated documentation."""

    name: str
    """The field of UserFeatures."""

    description: str

    default: str | None = None
    """What stands in the field while nothing is known; None: the feature has no default, and readers must look at its
    status."""

    unit: str | None = None

    window: str | None = None
    """How far back it looks, or its half-life; None: for ever."""
