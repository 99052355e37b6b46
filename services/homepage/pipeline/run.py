"""The state of one run of the pipeline."""

from dataclasses import dataclass, field

from services.homepage.degradation import Ladder
from services.homepage.pipeline.budget import Budget
from services.homepage.pipeline.candidates import Candidates, empty_candidates
from services.homepage.pipeline.composition import Composition
from services.homepage.query import Query


@dataclass(frozen=True, slots=True)
class Trace:
    """One unit's run: see homepage.v1.UnitTrace."""

    unit: str
    stage: str
    seconds: float
    outcome: str
    reason: str = ""
    input_count: int = 0
    output_count: int = 0


@dataclass(slots=True)
class Run:
    """One page in progress: its query as hydrated so far, its candidates, its degradation, and the traces."""

    query: Query
    budget: Budget
    candidates: Candidates = field(default_factory=empty_candidates)
    composition: Composition = field(default_factory=lambda: Composition([], []))
    ladder: Ladder = field(default_factory=Ladder)
    traces: list[Trace] = field(default_factory=list)
    index_version: str = ""
    model_version: str = ""

    @property
    def failed(self) -> bool:
        """Whether any unit failed or was late."""
        return any(trace.outcome in ("failed", "late") for trace in self.traces)
