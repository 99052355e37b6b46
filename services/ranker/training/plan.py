"""How a behavior model is trained: the plan, and the options of one run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.ranker.model.config import BehaviorModelConfig
from services.ranker.model.config_fields import read_fields, require_at_least, require_positive
from services.ranker.training.examples.candidate_draw import DrawSizes
from services.ranker.training.workers.cluster import Cluster

STRATEGIES: Final = ("none", "multi_worker_mirrored")
WAYS: Final = ("weights", "over_sampling", "under_sampling")
MOST_FACTOR: Final = 1_000.0

_LEAST: Final = dict.fromkeys(
    (
        "training_cuts",
        "validation_cuts",
        "maximum_examples",
        "validation_examples",
        "validation_slots",
        "batch_size",
        "epochs",
        "patience",
        "warm_epochs",
        "retrieval_places",
        "retrieval_negatives",
        "linear_rows",
    ),
    1,
) | dict.fromkeys(("validation_popular", "probability_weight", "retrieval_weight", "seed"), 0)
_POSITIVE: Final = (
    "cut_days",
    "learning_rate",
    "warm_learning_rate",
    "table_learning_rate",
    "latency_budget_seconds",
)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How a behavior model is trained. The defaults were chosen on cuts before the demo's held-out weeks."""

    model: BehaviorModelConfig = field(default_factory=BehaviorModelConfig)
    draw: DrawSizes = field(default_factory=DrawSizes)
    training_cuts: int = 9
    """Moments in the past at which examples are made."""

    validation_cuts: int = 1
    """The last of these moments, used only for validation."""

    cut_days: float = 14.0
    """Time between two cuts; less if the log is short. Labels of a cut end at the next."""

    maximum_examples: int = 10_000
    validation_examples: int = 1_600
    validation_slots: int = 512
    validation_popular: int = 112
    batch_size: int = 64
    epochs: int = 3
    patience: int = 2
    """Epochs without a better validation before training stops."""

    learning_rate: float = 2e-3
    """Initial rate; it falls to 0 by a cosine over all epochs."""

    warm_epochs: int = 1
    """Epochs of a training that starts from the weights of the version that serves."""

    warm_learning_rate: float = 5e-4
    """Initial rate of such a training."""

    table_learning_rate: float = 0.05
    """Learning rate of the items' table, if it's hashed (see RowwiseAdagrad)."""

    probability_weight: float = 1.0
    """Weight of the cross-entropy for the probabilities; the list-wise loss of each visit has weight 1."""

    imbalance: str = "weights"
    """How the cross-entropy compensates for rare actions: "weights", "over_sampling", or "under_sampling" (see
    services/ranker/model/losses.py), after negative sampling (`draw`), which is corrected in any case.
    """

    imbalance_factor: float = 1.0
    """Factor by which actions gain weight; 1 leaves them as they are. Probabilities stay calibrated in any case."""

    retrieval_weight: float = 0.1
    retrieval_places: int = 1_024
    """Positions in a batch's histories at which the next item is predicted."""

    retrieval_negatives: int = 512
    linear_rows: int = 250_000
    seed: int = 7

    strategy: str = "none"
    """How the fit is distributed, by `tf.distribute`: "none" is one process; "multi_worker_mirrored" are those of
    TF_CONFIG, each training on its part of every batch (of `batch_size`)."""

    latency_budget_seconds: float = 0.1
    """Time the exported model may take for one visitor's candidates where it's trained; slower ones are refused."""

    def __post_init__(self) -> None:
        if self.imbalance not in WAYS:
            raise ValueError(f"imbalance is {self.imbalance}; give one of {', '.join(WAYS)}")
        if self.strategy not in STRATEGIES:
            raise ValueError(f"strategy is {self.strategy}; give one of {', '.join(STRATEGIES)}")
        if self.strategy != "none" and self.model.hashed_item_rows:
            raise ValueError(
                f"strategy {self.strategy} does not go with hashed_item_rows: a table of which a step moves single "
                "rows is not mirrored; leave one of the two out"
            )
        if not 1.0 <= self.imbalance_factor <= MOST_FACTOR:
            raise ValueError(f"imbalance_factor is {self.imbalance_factor}; give a number from 1 to {MOST_FACTOR:g}")
        require_at_least(self, _LEAST)
        require_positive(self, _POSITIVE)

    @classmethod
    def read(cls, path: Path) -> "TrainingPlan":
        """Reads a JSON object of fields; `model` and `draw` are nested objects. Raises what `read_fields` does."""
        return read_fields(cls, path)

    @property
    def examples_per_cut(self) -> int:
        """Maximum number of training examples per cut: each cut has its share, whatever the others have."""
        return max(1, self.maximum_examples // self.training_cuts)

    @property
    def validation_per_cut(self) -> int:
        """Maximum number of validation examples per cut."""
        return max(1, self.validation_examples // self.validation_cuts)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of one training run, beside the plan."""

    cold: bool = False
    """Start from scratch, though a version serves whose weights could be reused."""

    cluster: Cluster | None = None
    """The processes that train together, if the plan has a strategy for it; this one is their chief."""

    tensorboard: Path | None = None
    """Folder for what TensorBoard reads: a folder below it for each version."""

    budget_seconds: float | None = None
    """Wall-clock seconds that examples and fit may take together, after the linear scorer; None: the whole plan."""
