"""Where a fit keeps how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from services.ranker.training.fitting.ranking_metrics import RankingMetrics


@dataclass(slots=True)
class FitState:
    """How far a fit is, between two epochs."""

    epochs: list[RankingMetrics] = field(default_factory=list)
    """The validation after each epoch."""

    losses: list[float] = field(default_factory=list)
    """The mean loss of each epoch."""

    best: int = -1
    """The epoch that ranked the validation best."""

    best_weights: list[NDArray[Any]] = field(default_factory=list)
    judged: NDArray[Any] | None = None
    """The best epoch's probabilities of the validation's candidates, (E, N, actions)."""

    def is_better(self, metrics: RankingMetrics) -> bool:
        """Returns whether these are better than all before."""
        return self.best < 0 or metrics.ndcg > self.epochs[self.best].ndcg

    def finished(self, epochs: int, patience: int) -> bool:
        """Returns whether all epochs are done, or `patience` of them brought nothing better."""
        done = len(self.epochs)
        return done >= epochs or (done > 0 and done - 1 - self.best >= patience)


class FitCheckpointing(Protocol):
    """Follows one fit. Variables are the model's and the optimizer's, always the same ones in the same order."""

    def resume(self, variables: Sequence[Any]) -> FitState | None:
        """Sets the variables to where a fit was broken off and returns its state; None: there is nothing to resume."""

    def keep(self, variables: Sequence[Any], state: FitState) -> None:
        """Is told after each epoch."""


class NoCheckpointing:
    """Begins from nothing and keeps nothing."""

    def resume(self, variables: Sequence[Any]) -> FitState | None:
        """Has nothing."""
        return None

    def keep(self, variables: Sequence[Any], state: FitState) -> None:
        """Keeps nothing."""
