"""The degradation of a page: its step, and the reasons."""

from dataclasses import dataclass, field
from typing import TypeAlias

from vitrine.homepage.v1 import page_pb2

Step: TypeAlias = page_pb2.DegradationStep.ValueType


@dataclass(frozen=True, slots=True)
class Degradation:
    """One missing contribution: the step that it lowers the page to, and the stable reason."""

    step: Step
    reason: str


@dataclass(slots=True)
class Ladder:
    """One page's degradation: the lowest step so far, and all reasons in order."""

    step: Step = page_pb2.DEGRADATION_STEP_FULL
    reasons: list[str] = field(default_factory=list)

    def descend(self, degradation: Degradation) -> None:
        """Lowers the step to that of `degradation`, never raises it, and adds its reason once."""
        self.step = max(self.step, degradation.step)
        if degradation.reason not in self.reasons:
            self.reasons.append(degradation.reason)


def step_name(step: Step) -> str:
    """Returns the step's name without prefix: "FULL"."""
    return page_pb2.DegradationStep.Name(step).removeprefix("DEGRADATION_STEP_")
