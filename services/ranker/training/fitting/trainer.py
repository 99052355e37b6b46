import math
import time
from collections.abc import Callable
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.tensors import encode_item_inputs
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.model.losses import balance, next_moments, ranking_loss, sampled_softmax_loss, visit_loss
from services.ranker.training.fitting.negative_sampler import NegativeSampler
from services.ranker.training.fitting.rowwise_adagrad import RowwiseAdagrad
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.workers.team import Team


class FitProgress:
    """Progress of a fit, from 0 to 1: by its steps or, if it has an end time that is nearer, by its time.

    The learning rate falls along it: Li, Yumer and Ramanan, "Budgeted Training" (2020). The time counts from the first
    step's end, which compiles the graph.
    """

    def __init__(self, steps: int, ends: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`ends` is a time on `clock`, in seconds."""
        self._steps = steps
        self._ends = ends
        self._clock = clock
        self._began: float | None = None

    def after(self, steps: int) -> float:
        """Returns how far the fit is after so many steps."""
        by_steps = min(1.0, steps / self._steps)
        if self._ends is None or steps == 0:
            return by_steps
        now = self._clock()
        if self._began is None:
            self._began = now
        left = self._ends - self._began
        return max(by_steps, min(1.0, (now - self._began) / left)) if left > 0 else 1.0


class Trainer:
    """One optimizer step at a time, on both heads."""

    def __init__(  # noqa: PLR0917  # what a fit is made of
        self,
        model: BehaviorModel,
        negatives: NegativeSampler,
        items: ItemColumns,
        plan: TrainingPlan,
        progress: FitProgress,
        team: Team,
    ) -> None:
        """The learning rate falls with the cosine of `progress`."""
        self.model: Final = model
        self.plan: Final = plan
        self._items = items
        self._negatives = negatives
        self._log_rates = tf.constant(negatives.log_rates)
        self._progress = progress
        self._steps = 0
        self._optimizer = keras.optimizers.Adam(plan.learning_rate, clipnorm=1.0)
        table = model.tower.table
        self._dense = [variable for variable in model.trainable_variables if variable is not table]
        self._optimizer.build(self._dense)
        self._table = None if table is None else RowwiseAdagrad(table.value, plan.table_learning_rate)
        state = [self._table.accumulator] if self._table else []
        self.variables: Final = (*model.variables, *self._optimizer.variables, *state)
        self.begin_epoch(0, 0)
        self._step = team.step(self._gradients, self._move)

    def begin_epoch(self, epoch: int, steps: int) -> None:
        """Draws from now on what belongs to this epoch, which begins after so many steps."""
        self._steps = steps
        self._random = np.random.default_rng((self.plan.seed, epoch, 1))
        self._negatives.begin_epoch(epoch)
        self._losses: list[Any] = []

    def mean_loss(self) -> float:
        """Returns the mean loss of the epoch's steps so far."""
        return float(np.mean([float(loss) for loss in self._losses]))

    @property
    def finished(self) -> bool:
        """True if all steps are done, or the time is up."""
        return self._progress.after(self._steps) >= 1.0

    def step(self, batch: dict[str, Any]) -> None:
        """Learns from one batch of examples."""
        progress = self._progress.after(self._steps)
        self._optimizer.learning_rate = self.plan.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))
        self._steps += 1
        negatives = encode_item_inputs(self._items, self._negatives.draw())
        tensors = batch | {f"negative_{name}": tf.constant(array) for name, array in negatives.items()}
        seed = tf.constant(self._random.integers(0, 2**31 - 1, 2), tf.int32)
        self._losses.append(self._step(tensors, seed))

    def _gradients(self, batch: dict[str, Any], seed: Any) -> tuple[Any, list[Any]]:
        """Returns the loss and the gradients of the dense variables, then of the table where there is one."""
        model, plan = self.model, self.plan
        with tf.GradientTape() as tape:
            events, states = model.encode_history(batch, training=True)
            logits = model.rank_logits(batch, events, states, training=True) + model.exposure(batch["exposures"])
            labeled = batch["labels"], logits, batch["offsets"], batch["real"], model.learned
            counts, shift = balance(batch["labels"], plan.imbalance, plan.imbalance_factor, seed + 3)
            balanced = batch["labels"], logits + shift, batch["offsets"], batch["real"], model.learned, counts
            loss = plan.probability_weight * ranking_loss(*balanced) + visit_loss(*labeled, batch["weights"])
            loss += plan.retrieval_weight * self._retrieval_loss(batch, states, seed)
        table = [model.tower.table.value] if self._table else []
        return loss, tape.gradient(loss, [*self._dense, *table])

    def _move(self, gradients: list[Any]) -> None:
        pairs = zip(gradients[: len(self._dense)], self._dense, strict=True)
        self._optimizer.apply_gradients([pair for pair in pairs if pair[0] is not None])
        if self._table:
            self._table.apply(gradients[-1])

    def _retrieval_loss(self, batch: dict[str, Any], states: Any, seed: Any) -> Any:
        """Finds the next item at places drawn from all histories, and at the cut one of what came next."""
        model = self.model
        following, follows = next_moments(batch["history_types"], batch["history_ages"], seed)
        draw = tf.random.stateless_uniform(tf.shape(follows), seed + 1)
        count = tf.minimum(self.plan.retrieval_places, tf.size(follows))
        chosen = tf.math.top_k(tf.reshape(tf.where(follows, draw, -1.0), [-1]), count).indices
        touched = batch["labels"][..., 0] * batch["real"]
        last = tf.argmax(touched * tf.random.stateless_uniform(tf.shape(touched), seed + 2), axis=1)
        found = {}
        for name in model.tower.inputs:
            column = tf.gather(batch[f"history_{name}"], following, batch_dims=1)
            inside = tf.gather(tf.reshape(column, tf.concat([[-1], tf.shape(column)[2:]], 0)), chosen)
            found[name] = tf.concat([inside, tf.gather(batch[f"candidate_{name}"], last, batch_dims=1)], axis=0)
        users = tf.concat([tf.gather(tf.reshape(states, [-1, states.shape[-1]]), chosen), states[:, -1]], axis=0)
        weights = tf.concat(
            [tf.gather(tf.reshape(tf.cast(follows, tf.float32), [-1]), chosen), tf.reduce_max(touched, axis=1)], axis=0
        )
        return sampled_softmax_loss(
            model.user_vectors(users),
            model.item_vectors(found, "", training=True),
            model.item_vectors(batch, "negative_", training=True),
            (tf.gather(self._log_rates, found["item_nos"]), tf.gather(self._log_rates, batch["negative_item_nos"])),
            found["item_nos"][:, None] == batch["negative_item_nos"][None, :],
            weights,
        )
