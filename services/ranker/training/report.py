"""The run record: the data of a training, its results, and its checks."""

import dataclasses
import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.ranker.training.fitting.ranking_metrics import RankingMetrics


@dataclass(frozen=True, slots=True)
class Check:
    """One condition."""

    name: str
    passed: bool
    found: str
    needed: str

    def __str__(self) -> str:
        return f"{self.name}: {self.found}, needed {self.needed}"


@dataclass(slots=True)
class TrainingReport:
    """The run record of one training."""

    version: int
    events: int = 0
    users: int = 0
    items: int = 0
    first_event_millis: int = 0
    last_event_millis: int = 0
    training_cuts: tuple[int, ...] = ()
    """Cuts of the examples, in milliseconds since 1970, ascending; `validation_cuts` only validate."""

    validation_cuts: tuple[int, ...] = ()
    made_cuts: tuple[int, ...] = ()
    """The cuts whose examples had to be made; the others came from the training set."""

    training_examples: int = 0
    validation_examples: int = 0
    warm_from: int | None = None
    """The version whose weights the training started from; None if it started cold: `cold_reason` says why."""

    cold_reason: str = ""
    metrics: dict[str, RankingMetrics] = field(default_factory=dict)
    """NDCG@10 and recall@10 at the validation cuts: "model", "linear" and the baselines."""

    retrieval: dict[str, float] = field(default_factory=dict)
    """Recall of users' next new items among the top 100 of all items: by "model", by its "learned" vectors without
    collaborative factors, and by "popularity"."""

    factor_weight: float = 0.0
    """Weight of the factors in the model's vectors."""

    calibration: dict[str, float] = field(default_factory=dict)
    """Expected over observed actions among the validation's candidates, by action that occurs; 1 is ideal."""

    calibration_error: dict[str, float] = field(default_factory=dict)
    """Expected calibration error of the same actions, 0 to 1; 0 is ideal."""

    epochs: list[RankingMetrics] = field(default_factory=list)
    """The validation after each epoch."""

    losses: list[float] = field(default_factory=list)
    """The mean loss of each epoch."""

    checks: list[Check] = field(default_factory=list)
    published: bool = False
    """It passed the gate and lies where model servers find it, as the canary."""

    promoted: bool = False
    """It is the stable version: every page is ranked with it."""

    linear_published: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    commit: str = ""

    @property
    def failed_checks(self) -> list[Check]:
        """Why the model was not published; the version before goes on serving."""
        return [check for check in self.checks if not check.passed]

    def to_json(self) -> str:
        """Returns the run record as a JSON object."""
        return json.dumps(dataclasses.asdict(self), indent=2, sort_keys=True)


def source_commit() -> str:
    """Returns the git commit that the code is from; empty if it isn't in a repository."""
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
