import dataclasses
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli.evaluation.bootstrap import Estimate
from cli.evaluation.probabilities import ProbabilityQuality


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How well a ranking's first places met what some users took up: means over them."""

    precision: Estimate
    recall: Estimate
    f1: Estimate
    hit_rate: Estimate
    ndcg: Estimate
    mrr: Estimate
    map: Estimate


@dataclass(frozen=True, slots=True)
class Breadth:
    """What a ranking shows: share of the catalog over all users, then means over users."""

    coverage: float
    diversity: float
    novelty_bits: float
    repeated: float


@dataclass(frozen=True, slots=True)
class SegmentScore:
    """A ranking's accuracy for one segment."""

    kind: str
    name: str
    users: int
    accuracy: Accuracy


@dataclass(frozen=True, slots=True)
class RankingResult:
    """All of one ranking. `behind_served` is the NDCG of the served feed less its own, user by user."""

    name: str
    meaning: str
    accuracy: Accuracy
    breadth: Breadth
    segments: list[SegmentScore]
    behind_served: Estimate


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What an evaluation found; the served feed comes first.

    `scored_by_model` is the share of the judged users whose probabilities the model gave, not the linear scorer.
    """

    begin: datetime
    users: int
    items: int
    length: int
    rankings: list[RankingResult]
    probabilities: ProbabilityQuality | None
    scored_by_model: float

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values; what has no value is null."""
        values: dict[str, Any] = _plain(dataclasses.asdict(self))
        return values


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value
