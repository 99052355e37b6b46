from dataclasses import dataclass

import numpy as np

from services.common.progress import Task
from services.ranker.training.examples.examples import Examples
from services.ranker.training.fitting.batches import batches
from services.ranker.training.fitting.trainer import Trainer
from services.ranker.training.workers.team import Team


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
        """Learns one epoch: this process's part of every batch, from what the chief has learned so far."""
        self.team.share(self.trainer.variables)
        self.trainer.begin_epoch(epoch)
        order = np.random.default_rng((self.trainer.plan.seed, epoch)).permutation(len(self.training))
        parts = [self.team.part(places) for places in np.array_split(order, self.batch_count)]
        for batch in batches(self.training, parts):
            self.trainer.step(batch)
            task.advance()


def batch_count(training: Examples, batch_size: int) -> int:
    """Returns how many batches of about this size the examples make."""
    return max(1, len(training) // batch_size)
