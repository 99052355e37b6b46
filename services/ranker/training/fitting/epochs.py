from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.common.progress import Task
from services.ranker.training.examples.examples import Examples
from services.ranker.training.fitting.trainer import Trainer
from services.ranker.training.workers.team import Team

_AHEAD: Final = 2


@dataclass(frozen=True, slots=True)
class Epochs:
    """A fit that has begun: goes through the examples, once an epoch, in an order that is the epoch's."""

    trainer: Trainer
    training: Examples
    team: Team

    @property
    def batch_count(self) -> int:
        """Batches of an epoch."""
        return batch_count(self.training, self.trainer.plan.batch_size)

    def learn(self, epoch: int, task: Task) -> None:
        """Trains one epoch on this process's part of every batch, from the chief's weights. If the fit's
        time is up before, the epoch ends there; one step is always done.
        """
        self.team.share(self.trainer.variables)
        self.trainer.begin_epoch(epoch, epoch * self.batch_count)
        order = np.random.default_rng((self.trainer.plan.seed, epoch)).permutation(len(self.training))
        parts = [self.team.part(places) for places in np.array_split(order, self.batch_count)]
        for batch in batches(self.training, parts):
            self.trainer.step(batch)
            task.advance()
            if self.trainer.finished:
                break


def batch_count(training: Examples, batch_size: int) -> int:
    """Returns how many batches of about this size the examples make."""
    return max(1, len(training) // batch_size)


def batches(examples: Examples, parts: Sequence[NDArray[np.int64]]) -> Any:
    """Returns a batch of the examples at each part's places (`Examples.batch`) as a tf.data.Dataset, made ahead of the
    steps that use them.
    """

    def made() -> Iterator[dict[str, NDArray[Any]]]:
        for places in parts:
            yield examples.batch(places)

    one = examples.batch(parts[0][:1])
    signature = {name: tf.TensorSpec((None, *array.shape[1:]), array.dtype) for name, array in one.items()}
    return tf.data.Dataset.from_generator(made, output_signature=signature).prefetch(_AHEAD)
