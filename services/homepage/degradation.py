"""The ladder that a page stands on, and what it records on the way down."""

from dataclasses import dataclass, field
from typing import TypeAlias

from vitrine.homepage.v1 import page_pb2

Step: TypeAlias = page_pb2.DegradationStep.ValueType


@dataclass(frozen=True, slots=True)
class Degradation:
    """One thing that did not take part: the step that the page falls to, and the stable reason."""

    step: Step
    reason: str


@dataclass(slots=True)
class Ladder:
    """Where one page stands: the lowest step that anything brought it to, and all the reasons in their order."""

    step: Step = page_pb2.DEGRADATION_STEP_FULL
    reasons: list[str] = field(default_factory=list)

    def descend(self, degradation: Degradation) -> None:
        """Goes down to the step of `degradation`, never up, and keeps its reason once."""
        self.step = max(self.step, degradation.step)
        if degradation.reason not in self.reasons:
            self.reasons.append(degradation.reason)


def step_name(step: Step) -> str:
    """Returns the step's name without prefix: "FULL"."""
    return page_pb2.DegradationStep.Name(step).removeprefix("DEGRADATION_STEP_")
