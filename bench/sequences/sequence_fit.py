"""Trains backbone and retrieval head on what users took one after the other."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bench.sequences.sequence_plan import SequencePlan
from bench.sequences.weight_average import WeightAverage
from services.common import event_types
from services.common.progress import Progress
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.model.embeddings import NumberEmbedding, Vocabulary
from services.ranker.model.losses import full_softmax_loss, sampled_softmax_loss

STEP_DAYS: Final = 1.0
"""Stands for the time between two items of a sequence, which has an order and no times."""

_EXACT: Final = 12
"""Sequences up to so long are not padded: most are short, and half of a batch would be padding."""


@dataclass(frozen=True, slots=True)
class SequenceItems:
    """The catalog of sequences: row i is item i, row 0 nobody's.

    `content` has groups of numbers, such as attributes and words, each (items + 1, A): from 1 on, no number in two
    groups, 0 where an item has fewer. There is at least one group.
    """

    content: Sequence[NDArray[np.int32]]

    def __len__(self) -> int:
        return len(self.content[0]) - 1


class SequenceModel:
    """A behavior model that knows users by their sequences alone."""

    def __init__(
        self, histories: Sequence[NDArray[np.int64]], items: SequenceItems, plan: SequencePlan, seed: int
    ) -> None:
        keras.utils.set_random_seed(seed)
        self._items, self._plan = items, plan
        taken = np.concatenate([*histories])
        vocabulary = Vocabulary.of(
            taken,
            np.concatenate([numbers.ravel() for numbers in items.content]),
            np.zeros(0, np.int64),
            plan.model.minimum_item_events,
        )
        self.model = BehaviorModel(plan.model, vocabulary, seed)
        counts = np.bincount(taken, minlength=len(items) + 1)[1:] + 1.0
        self._log_rates = tf.constant(np.log(counts / counts.sum() * plan.sampled_items), tf.float32)
        model = self.model
        self._content = _category_rows(model.tower.category, [numbers[1:] for numbers in items.content])
        layers = (model.tower, model.encoder)
        self._variables = [variable for layer in layers for variable in layer.trainable_variables]
        self._average = WeightAverage(self._variables, plan.average_decay)
        self._optimizer = keras.optimizers.Adam(plan.learning_rate, clipnorm=1.0)
        self._compiled = tf.function(self._step, reduce_retracing=True)
        self._states = tf.function(self._encode, reduce_retracing=True)

    def fit(  # what a training is made of
        self,
        histories: Sequence[NDArray[np.int64]],
        judge: Callable[["SequenceModel"], float],
        seed: int,
        progress: Progress,
        seconds: float = math.inf,
    ) -> float:
        """Trains until the judgment gets no better or the time is over, and goes back to the best; returns that.

        The time is the processor's, of all its cores together: what else runs there takes nothing from the training.
        Greater is better. It is the average of the weights that is judged and kept.
        """
        plan, random, ends = self._plan, np.random.default_rng(seed), time.process_time() + seconds
        best, best_weights, since, epochs = -math.inf, self.model.get_weights(), 0, 0
        with progress.task("training on sequences", plan.judgments) as task:
            for judgment in range(1, plan.judgments + 1):
                learned = self._learn(histories, random, ends)
                epochs += learned
                task.advance()
                with self._average.applied():
                    judged, since = judge(self), since + 1
                    if judged > best:
                        best, best_weights, since = judged, self.model.get_weights(), 0
                if not learned or (since >= plan.patience and epochs >= plan.least_epochs):
                    task.advance(plan.judgments - judgment)
                    break
        self.model.set_weights(best_weights)
        return float(best)

    def item_vectors(self) -> NDArray[np.float32]:
        """Returns the vectors of items 1, 2, …: (items, width + 1)."""
        vectors: NDArray[np.float32] = self._catalog_vectors().numpy()
        return vectors

    def user_vectors(
        self, histories: Sequence[NDArray[np.int64]], item_vectors: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Returns the vectors (users, width + 1) of users with these histories, oldest first.

        `item_vectors` are the model's own: they are made once for many calls.
        """
        longest = self._plan.model.history_length
        cut = [history[-longest:] for history in histories]
        length = _size(max(map(len, cut)), longest)
        states = self._states(tf.constant(_padded(cut, length)), tf.constant(item_vectors))[:, -1]
        vectors: NDArray[np.float32] = self.model.user_vectors(states).numpy()
        return vectors

    def _learn(self, histories: Sequence[NDArray[np.int64]], random: np.random.Generator, ends: float) -> int:
        """Trains up to the next judgment; returns the epochs, 0 where time is over or there is nothing to learn."""
        epochs = steps = 0
        while epochs < self._plan.judge_epochs or steps < self._plan.judge_steps:
            for batch in _batches(histories, self._plan, random):
                self._compiled(tf.constant(batch))
                steps += 1
                if time.process_time() > ends:  # an epoch may be longer than all the time
                    return 0
            if not steps:
                return 0
            epochs += 1
        return epochs

    def _catalog_vectors(self, training: bool = False) -> Any:
        """Returns the vectors of items 1, 2, …, (items, width + 1)."""
        return self.model.tower.catalog_vectors(tf.range(1, len(self._items) + 1), self._content, training=training)

    def _encode(self, item_nos: Any, vectors: Any, training: bool = False) -> Any:
        """Returns the users' vectors at each place, from the vectors of all items."""
        model, length = self.model, tf.shape(item_nos)[1]
        types = tf.where(item_nos > 0, event_types.PURCHASE, 0)
        ages = tf.cast(tf.range(length, 0, -1), tf.float32)[None, :] * STEP_DAYS * tf.ones_like(item_nos, tf.float32)
        taken = tf.gather(vectors[:, :-1], tf.maximum(item_nos - 1, 0))
        return model.encoder(model.encoder.events(taken, types), types, ages, training=training)

    def _step(self, item_nos: Any) -> None:
        inputs, wanted = item_nos[:, :-1], item_nos[:, 1:]
        places = tf.where(tf.reshape((inputs > 0) & (wanted > 0), [-1]))[:, 0]
        targets = tf.gather(tf.reshape(wanted, [-1]), places) - 1
        with tf.GradientTape() as tape:
            vectors = self._catalog_vectors(training=True)
            states = self._encode(inputs, vectors, training=True)
            users = self.model.user_vectors(tf.gather(tf.reshape(states, [-1, states.shape[-1]]), places))
            loss = self._loss(users, vectors, targets)
        gradients = tape.gradient(loss, self._variables)
        pairs = [pair for pair in zip(gradients, self._variables, strict=True) if pair[0] is not None]
        self._optimizer.apply_gradients(pairs)
        self._average.update()

    def _loss(self, users: Any, vectors: Any, targets: Any) -> Any:
        if len(self._items) <= self._plan.full_softmax_items:
            return full_softmax_loss(users, vectors, targets, self._plan.precision)
        drawn = tf.random.categorical(self._log_rates[None, :], self._plan.sampled_items, dtype=tf.int32)[0]
        return sampled_softmax_loss(
            users,
            tf.gather(vectors, targets),
            tf.gather(vectors, drawn),
            (tf.gather(self._log_rates, targets), tf.gather(self._log_rates, drawn)),
            targets[:, None] == drawn[None, :],
            tf.ones_like(targets, tf.float32),
        )


def _category_rows(table: NumberEmbedding, groups: Sequence[NDArray[np.int32]]) -> Any:
    """Returns a sparse matrix (items, rows of the table): the sum over groups of the mean of each item's numbers."""
    entries, weights = [], []
    for numbers in groups:
        items, places = np.nonzero(numbers)
        rows = table.rows(numbers[items, places]).numpy()
        entries.append(np.stack([items, rows], axis=1))
        weights.append(1.0 / np.bincount(items, minlength=len(numbers))[items])
    shape = (len(groups[0]), len(table))
    sparse = tf.SparseTensor(np.concatenate(entries), np.concatenate(weights).astype(np.float32), shape)
    return tf.sparse.reorder(sparse)


def _batches(
    histories: Sequence[NDArray[np.int64]], plan: SequencePlan, random: np.random.Generator
) -> Iterator[NDArray[np.int32]]:
    """Yields the ends of all histories once, those of like length together, as (B, L) padded in front."""
    longest = plan.model.history_length + 1
    cut = [history[-longest:] for history in histories if len(history) > 1]
    lengths = np.array([len(history) for history in cut])
    order = np.lexsort((random.random(len(cut)), lengths))
    groups, begin = [], 0
    while begin < len(order):
        length = _size(int(lengths[order[begin]]), longest)
        end = min(begin + max(1, plan.batch_places // length), int(np.searchsorted(lengths[order], length, "right")))
        groups.append((begin, end, length))
        begin = end
    for group in random.permutation(len(groups)).tolist():
        begin, end, length = groups[group]
        yield _padded([cut[place] for place in order[begin:end]], length)


def _size(length: int, longest: int) -> int:
    """Returns the size that a length is padded to: its own where it is short, else the next fourth."""
    return min(length if length <= _EXACT else -(-length // 4) * 4, longest)


def _padded(histories: Sequence[NDArray[np.int64]], length: int) -> NDArray[np.int32]:
    padded = np.zeros((len(histories), length), np.int32)
    for row, history in enumerate(histories):
        padded[row, length - len(history) :] = history
    return padded
