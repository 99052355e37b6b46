"""A training that dies by SIGKILL in the middle of a write. Arguments: state directory, what it is writing."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from services.common import atomic_files
from services.common.progress import NoProgress
from services.ranker.training.examples.training_set import TrainingSet
from services.ranker.training.fitting import array_file
from services.ranker.training.job import train_on
from services.ranker.training.publishing.publisher import Publisher
from tests.support.training_shop import training_shop
from tests.unit.ranker_model.conftest import NOW, two_epochs


def die_after(write: Callable[..., Any], is_it: Callable[..., bool], times: int) -> Callable[..., Any]:
    """Has the process killed when `write` has written what is meant for the `times`-th time, of which half is there."""
    left = times

    def dying(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        written = write(*arguments, **options)
        path = next(Path(argument) for argument in arguments if isinstance(argument, str | Path))
        if is_it(path):
            left -= 1
            if not left:
                for file in [path] if path.is_file() else path.glob("variables/*"):
                    os.truncate(file, file.stat().st_size // 2)
                os.kill(os.getpid(), signal.SIGKILL)
        return written

    return dying


def main(state: Path, writing: str) -> None:
    if writing == "checkpoint":
        dying = die_after(atomic_files.sync, lambda path: path.name == ".checkpoint.npz", 2)
        array_file.sync = dying  # type: ignore[attr-defined]  # the name that it imported
    elif writing == "examples":
        pq.write_table = die_after(pq.write_table, lambda path: path.name == "candidates.parquet", 2)
    elif writing == "export":
        import tensorflow as tf

        tf.saved_model.save = die_after(tf.saved_model.save, lambda path: True, 1)
    training_set = TrainingSet(state / "examples", b"secret")
    train_on(training_shop(), two_epochs(), Publisher(state, NOW), NoProgress(), {}, training_set=training_set)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
