from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.ranker.model.config import BehaviorModelConfig

LONGEST_HISTORY: Final = 50
_CPUINFO: Final = Path("/proc/cpuinfo")
_HARDWARE: Final = frozenset({"amx_bf16", "avx512_bf16"})


def fast_precision(cpuinfo: Path = _CPUINFO) -> str:
    """Returns the type that large products are computed in: bfloat16 where the processor multiplies it by itself.

    It is several times faster there, and slower than float32 elsewhere. Weights and gradients stay float32.
    """
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return "float32"
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return "float32" if _HARDWARE.isdisjoint(flags) else "bfloat16"


def _model() -> BehaviorModelConfig:
    return BehaviorModelConfig(
        width=128,
        layers=2,
        heads=2,
        history_length=LONGEST_HISTORY,
        distances=LONGEST_HISTORY,
        dropout=0.5,
        unseen_rate=0.0,
        unseen_item_rate=0.25,
        minimum_item_events=1,
        token_rows=0,
        factors=0,
    )


@dataclass(frozen=True, slots=True)
class SequencePlan:
    """How backbone and retrieval head are trained on sequences alone: a small network, much dropout, and at every place
    the softmax over the whole catalog where that fits.
    """

    model: BehaviorModelConfig = field(default_factory=_model)
    judgments: int = 20
    """How often the training is judged at most."""

    patience: int = 2
    """Judgments without a better validation before training stops, once it has gone through `least_epochs`."""

    least_epochs: int = 24
    """Rare items say nothing before they were met some ten times: until then a network may get worse by chance."""

    judge_epochs: int = 3
    judge_steps: int = 120
    """Between two judgments lie so many epochs, and so many steps where epochs are short."""

    batch_places: int = 4_096
    """Places of the sequences in a batch: many short ones or few long ones."""

    learning_rate: float = 4e-3
    full_softmax_items: int = 20_000
    """Up to so many items each place is told from all others; above, from a sample of `sampled_items`."""

    sampled_items: int = 4_096

    average_decay: float = 0.99
    """Of the average of weights that is judged and kept: its memory is 100 steps long."""

    precision: str = field(default_factory=fast_precision)
    """What the softmax over the whole catalog is computed in: "float32" or "bfloat16"."""
