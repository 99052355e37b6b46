"""A worker that trains along with the chief, and the data it gets from the chief: examples and their items."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from services.common.errors import FailedPreconditionError
from services.common.progress import Progress
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.training.examples.examples import Examples
from services.ranker.training.examples.next_visit import Visit
from services.ranker.training.fitting.array_file import write_arrays
from services.ranker.training.fitting.fit import FINISHED, begin_fit
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.publishing.publisher import shared_fit_path
from services.ranker.training.workers.cluster import Cluster
from services.ranker.training.workers.team import MirroredWorkers

_INPUT: Final = "input_"
_COLUMN: Final = "column_"


@dataclass(frozen=True, slots=True)
class SharedFit:
    """The same data in all processes, even if the shop's log and catalog have changed."""

    past_item_nos: NDArray[np.int64]
    training: Examples
    items: ItemColumns

    def save(self, path: Path) -> None:
        """Writes it in the place of a former one. Raises OSError."""
        item_nos, counts = np.unique(self.past_item_nos, return_counts=True)
        visits = self.training.visits
        arrays: dict[str, NDArray[Any]] = {
            "item_nos": item_nos,
            "item_counts": counts,
            "labels": self.training.labels,
            "offsets": self.training.offsets,
            "exposures": self.training.exposures,
            "visit_bounds": np.cumsum([len(visit.item_nos) for visit in visits]),
            "visit_item_nos": np.concatenate([visit.item_nos for visit in visits]),
            "visit_labels": np.concatenate([visit.labels for visit in visits]),
        }
        arrays |= {_INPUT + name: array for name, array in self.training.inputs.items()}
        arrays |= {_COLUMN + name: column for name, column in self.items.columns().items()}
        write_arrays(path, arrays)

    @classmethod
    def load(cls, path: Path, plan: TrainingPlan) -> "SharedFit":
        """Reads what `save` wrote. Raises OSError, and ValueError if the plan's model uses other vectors."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            arrays = {name: saved[name] for name in saved.files}
        items = ItemColumns(plan.model.item_vectors)
        items.set_columns(_named(arrays, _COLUMN))
        bounds = arrays["visit_bounds"][:-1]
        parts = np.split(arrays["visit_item_nos"], bounds), np.split(arrays["visit_labels"], bounds)
        visits = [Visit(*visit) for visit in zip(*parts, strict=True)]
        training = Examples(
            _named(arrays, _INPUT), arrays["labels"], arrays["offsets"], arrays["exposures"], visits, items
        )
        return cls(np.repeat(arrays["item_nos"], arrays["item_counts"]), training, items)


def _named(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def run_worker(state_directory: Path, plan: TrainingPlan, cluster: Cluster, progress: Progress) -> BehaviorModel:
    """Learns with the chief until it says that the fit is finished; writes nothing. Returns the model as it was then.

    Waits for the chief, which makes the examples first and leaves them in the state directory. Raises UnavailableError
    (WORKER_GONE), and FailedPreconditionError (SHARED_FIT_UNREADABLE) if they aren't there.
    """
    with progress.task("waiting for the chief", 1) as task:
        team = MirroredWorkers(cluster)
        task.advance()
    path = shared_fit_path(state_directory)
    try:
        shared = SharedFit.load(path, plan)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise FailedPreconditionError(
            f"{path} cannot be used: {error}; give all workers the chief's state directory and the chief's plan",
            reason="SHARED_FIT_UNREADABLE",
        ) from error
    epochs = begin_fit(shared.past_item_nos, shared.training, shared.items, plan, team)
    with progress.task("training along with the chief") as task:
        while (epoch := team.agreed(FINISHED)) != FINISHED:
            epochs.learn(epoch, task)
    return epochs.trainer.model
