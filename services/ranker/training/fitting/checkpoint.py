"""A fit's state on the disk: one that was killed goes on from its last whole epoch."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import structlog

from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.fitting.array_file import write_arrays
from services.ranker.training.fitting.fit_checkpointing import FitState, NoCheckpointing
from services.ranker.training.fitting.ranking_metrics import RankingMetrics
from services.ranker.training.plan import TrainingPlan

_META: Final = "meta"

_log = structlog.get_logger(__name__)


class Checkpoint:
    """One file, replaced after each epoch. `key` says what is trained on what: another fit's state is not taken."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = key

    def save(self, variables: Sequence[Any], state: FitState) -> None:
        """Writes the variables and the state in the place of the former ones."""
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

    def restore(self, variables: Sequence[Any]) -> FitState | None:
        """Sets the variables and returns the state; None where there is none of this fit."""
        try:
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
                return self._restored(saved, variables)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            _log.warning("checkpoint_not_taken", error=str(error))
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


class CheckpointedCourse(NoCheckpointing):
    """Keeps a checkpoint after each epoch, and goes on from it."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint

    def resume(self, variables: Sequence[Any]) -> FitState | None:
        """Goes on from the checkpoint, where it is of this fit."""
        return self._checkpoint.restore(variables)

    def keep(self, variables: Sequence[Any], state: FitState) -> None:
        """Writes the checkpoint."""
        self._checkpoint.save(variables, state)


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
