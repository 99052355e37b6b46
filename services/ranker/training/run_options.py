from dataclasses import dataclass
from pathlib import Path

from services.ranker.training.workers.cluster import Cluster


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person may ask of one training run, beside the plan."""

    cold: bool = False
    """Begin from nothing, though a version serves whose weights could be gone on from."""

    cluster: Cluster | None = None
    """The processes that train together, where the plan has a strategy for it; this one is their chief."""

    tensorboard: Path | None = None
    """Folder for what TensorBoard reads: a folder below it for each version."""

    budget_seconds: float | None = None
    """Wall-clock seconds that examples and fit may take together, after the linear scorer; None: the whole plan."""
