from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person may ask of one training run, beside the plan."""

    cold: bool = False
    """Begin from nothing, though a version serves whose weights could be gone on from."""

    tensorboard: Path | None = None
    """Folder for what TensorBoard reads: a folder below it for each version."""
