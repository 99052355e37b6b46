import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from services.ranker.training.examples.schedule import Schedule
from services.ranker.training.fitting.array_file import write_arrays

# What was interrupted longer ago starts over: the newest data is worth more than the time.
_OLDEST: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """The range of data that a run started with. If it's killed, the next run resumes with it, though the log has
    grown since.
    """

    schedule: Schedule
    started_millis: int
    events: int
    first_event_millis: int
    last_event_millis: int
    item_nos: NDArray[np.int64]
    """The items of the events before the validation, and `item_counts`, how often each was met."""

    item_counts: NDArray[np.int64]

    @property
    def past_item_nos(self) -> NDArray[np.int64]:
        """The items of all events before the validation, in no order."""
        return np.repeat(self.item_nos, self.item_counts)

    def save(self, path: Path) -> None:
        """Writes it in the place of a former one. Raises OSError."""
        meta = {
            name: getattr(self, name)
            for name in ("started_millis", "events", "first_event_millis", "last_event_millis")
        }
        meta |= {"training_cuts": self.schedule.training_cuts, "validation_cuts": self.schedule.validation_cuts}
        meta |= {"window_millis": self.schedule.window_millis}
        arrays = {"meta": np.array(json.dumps(meta)), "item_nos": self.item_nos, "item_counts": self.item_counts}
        write_arrays(path, arrays)

    @classmethod
    def load(cls, path: Path, now_millis: int) -> "UnfinishedRun | None":
        """Returns the data saved within the last day; None if there is none that can be used."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
                meta = json.loads(str(saved["meta"]))
                run = cls(_schedule(meta), **meta, item_nos=saved["item_nos"], item_counts=saved["item_counts"])
        except (OSError, ValueError, KeyError, TypeError, BadZipFile):
            return None
        age = now_millis - run.started_millis
        return run if 0 <= age <= _OLDEST.total_seconds() * 1000 else None


def _schedule(meta: dict[str, Any]) -> Schedule:
    """Takes the schedule out of the metadata."""
    training, validation = (tuple(map(int, meta.pop(f"{kind}_cuts"))) for kind in ("training", "validation"))
    return Schedule(training, validation, int(meta.pop("window_millis")))
