"""A fit's checkpoints: after a kill it resumes after its last complete epoch."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from zipfile import BadZipFile

import numpy as np
import structlog
from numpy.typing import NDArray

from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.fitting.array_file import write_arrays
from services.ranker.training.fitting.ranking_metrics import RankingMetrics
from services.ranker.training.plan import TrainingPlan

_META: Final = "meta"

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class FitState:
    """Progress of a fit, between two epochs."""

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
    """Saves and restores a fit's progress. Variables are the model's and the optimizer's, always in the same order."""

    def resume(self, variables: Sequence[Any]) -> FitState | None:
        """Restores the variables of an interrupted fit and returns its state; None if there is nothing to resume."""

    def keep(self, variables: Sequence[Any], state: FitState) -> None:
        """Called after each epoch."""


class NoCheckpointing:
    """Keeps nothing."""

    def resume(self, variables: Sequence[Any]) -> FitState | None:
        """Has nothing."""
        return None

    def keep(self, variables: Sequence[Any], state: FitState) -> None:
        """Keeps nothing."""


class FileCheckpointing:
    """Keeps one file, replaced after each epoch, and resumes from it. `key` identifies plan and data: another fit's
    state isn't used.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = key

    def keep(self, variables: Sequence[Any], state: FitState) -> None:
        """Writes the variables and the state, replacing the previous ones."""
        meta = {
            "key": self._key,
            "epochs": [asdict(metrics) for metrics in state.epochs],
            "losses": state.losses,
            "best": state.best,
        }
        arrays: dict[str, Any] = {f"variable_{place}": variable.numpy() for place, variable in enumerate(variables)}
        arrays |= {_META: np.array(json.dumps(meta)), "judged": state.judged}
        arrays |= {f"best_{place}": weights for place, weights in enumerate(state.best_weights)}
        write_arrays(self._path, arrays)

    def resume(self, variables: Sequence[Any]) -> FitState | None:
        """Sets the variables and returns the state; None if there is none of this fit."""
        try:
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
                return self._restored(saved, variables)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            _log.warning("checkpoint_unusable", error=str(error))
            return None

    def _restored(self, saved: Any, variables: Sequence[Any]) -> FitState | None:
        meta = json.loads(str(saved[_META]))
        if meta["key"] != self._key:
            return None
        values = [saved[f"variable_{place}"] for place in range(len(variables))]
        if any(value.shape != tuple(variable.shape) for value, variable in zip(values, variables, strict=True)):
            return None
        best = sum(1 for name in saved.files if name.startswith("best_"))
        state = FitState(
            epochs=[RankingMetrics(**metrics) for metrics in meta["epochs"]],
            losses=meta["losses"],
            best=meta["best"],
            best_weights=[saved[f"best_{place}"] for place in range(best)],
            judged=saved["judged"],
        )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return state


def fit_key(plan: TrainingPlan, commit: str, start: str, sets: ExampleSets) -> str:
    """Returns what tells a fit from all others: how it is trained, by which code, from which version on, on which
    examples.
    """
    digest = hashlib.sha256(json.dumps([asdict(plan), commit, start], sort_keys=True).encode())
    for examples in (sets.training, sets.validation):
        for name, array in sorted(examples.inputs.items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).data)
        digest.update(np.ascontiguousarray(examples.labels).data)
        digest.update(np.ascontiguousarray(examples.offsets).data)
    return digest.hexdigest()
