"""Trains backbone and retrieval head on what users took one after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.common import event_types
from services.common.progress import Progress
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.model.losses import full_softmax_loss, sampled_softmax_loss
from services.ranker.model.vocabulary import Vocabulary
from services.ranker.training.sequence_plan import SequencePlan

STEP_DAYS: Final = 1.0
"""Stands for the time between two items of a sequence, which has an order and no times."""

_NO_PRICE: Final = -1.0


@dataclass(frozen=True, slots=True)
class SequenceItems:
    """The catalogue of sequences: row i is item i, row 0 nobody's.

    `attribute_nos` (items + 1, A) are numbers from 1 on, 0 where an item has fewer.
    """

    attribute_nos: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.attribute_nos) - 1


class SequenceModel:
    """A behaviour model that knows users by their sequences alone."""

    def __init__(
        self, histories: Sequence[NDArray[np.int64]], items: SequenceItems, plan: SequencePlan, seed: int
    ) -> None:
        keras.utils.set_random_seed(seed)
        self._items, self._plan = items, plan
        self._attributes = tf.constant(items.attribute_nos)
        taken = np.concatenate([*histories])
        vocabulary = Vocabulary.of(taken, items.attribute_nos, np.zeros(0, np.int64), plan.model.minimum_item_events)
        self.model = BehaviorModel(plan.model, vocabulary, seed)
        counts = np.bincount(taken, minlength=len(items) + 1)[1:] + 1.0
        self._log_rates = tf.constant(np.log(counts / counts.sum() * plan.sampled_items), tf.float32)
        model = self.model
        layers = (model.tower, model.encoder)
        self._variables = [variable for layer in layers for variable in layer.trainable_variables]
        self._optimizer = keras.optimizers.Adam(plan.learning_rate, clipnorm=1.0)
        self._compiled = tf.function(self._step, reduce_retracing=True)
        self._states = tf.function(self._encode, reduce_retracing=True)

    def fit(
        self,
        histories: Sequence[NDArray[np.int64]],
        judge: Callable[["SequenceModel"], float],
        seed: int,
        progress: Progress,
    ) -> float:
        """Trains until the judgement gets no better, and goes back to the best; returns that. Greater is better."""
        plan, random = self._plan, np.random.default_rng(seed)
        best, best_weights, since = -np.inf, self.model.get_weights(), 0
        with progress.task("training on sequences", plan.epochs) as task:
            for epoch in range(1, plan.epochs + 1):
                for batch in _batches(histories, plan, random):
                    self._compiled(tf.constant(batch))
                task.advance()
                if epoch % plan.judge_every and epoch < plan.epochs:
                    continue
                judged, since = judge(self), since + 1
                if judged > best:
                    best, best_weights, since = judged, self.model.get_weights(), 0
                elif since >= plan.patience:
                    task.advance(plan.epochs - epoch)
                    break
        self.model.set_weights(best_weights)
        return float(best)

    def item_vectors(self) -> NDArray[np.float32]:
        """Returns the vectors of items 1, 2, …: (items, width + 1)."""
        vectors: NDArray[np.float32] = self._item_vectors(tf.range(1, len(self._items) + 1), training=False).numpy()
        return vectors

    def user_vectors(self, histories: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
        """Returns the vectors (users, width + 1) of users with these histories, oldest first."""
        length = self._plan.model.history_length
        states = self._states(tf.constant(_padded([history[-length:] for history in histories], length)))[:, -1]
        vectors: NDArray[np.float32] = self.model.user_vectors(states).numpy()
        return vectors

    def _item_vectors(self, item_nos: Any, training: bool) -> Any:
        zeros = tf.zeros_like(item_nos)
        prices = tf.fill(tf.shape(item_nos), _NO_PRICE)
        return self.model.tower(item_nos, tf.gather(self._attributes, item_nos), zeros, prices, training=training)

    def _encode(self, item_nos: Any, training: bool = False) -> Any:
        model, length = self.model, tf.shape(item_nos)[1]
        types = tf.where(item_nos > 0, event_types.PURCHASE, 0)
        ages = tf.cast(tf.range(length, 0, -1), tf.float32)[None, :] * STEP_DAYS * tf.ones_like(item_nos, tf.float32)
        events = model.encoder.events(self._item_vectors(item_nos, training)[..., :-1], types)
        return model.encoder(events, types, ages, training=training)

    def _step(self, item_nos: Any) -> None:
        inputs, wanted = item_nos[:, :-1], item_nos[:, 1:]
        weights = tf.cast((inputs > 0) & (wanted > 0), tf.float32)
        places = tf.where(tf.reshape(weights, [-1]) > 0)[:, 0]
        targets = tf.gather(tf.reshape(wanted, [-1]), places)
        with tf.GradientTape() as tape:
            states = self._encode(inputs, training=True)
            users = self.model.user_vectors(tf.gather(tf.reshape(states, [-1, states.shape[-1]]), places))
            loss = self._loss(users, targets)
        gradients = tape.gradient(loss, self._variables)
        pairs = [pair for pair in zip(gradients, self._variables, strict=True) if pair[0] is not None]
        self._optimizer.apply_gradients(pairs)

    def _loss(self, users: Any, targets: Any) -> Any:
        if len(self._items) <= self._plan.full_softmax_items:
            vectors = self._item_vectors(tf.range(1, len(self._items) + 1), training=True)
            return full_softmax_loss(users, vectors, targets - 1)
        drawn = tf.random.categorical(self._log_rates[None, :], self._plan.sampled_items, dtype=tf.int32)[0] + 1
        return sampled_softmax_loss(
            users,
            self._item_vectors(targets, training=True),
            self._item_vectors(drawn, training=True),
            (tf.gather(self._log_rates, targets - 1), tf.gather(self._log_rates, drawn - 1)),
            targets[:, None] == drawn[None, :],
            tf.ones_like(targets, tf.float32),
        )


def _batches(
    histories: Sequence[NDArray[np.int64]], plan: SequencePlan, random: np.random.Generator
) -> Iterator[NDArray[np.int32]]:
    """Yields all histories once, those of like length together, as (B, L) padded in front."""
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
    """Returns the size that a length is padded to, so that the graph sees few shapes."""
    return next((size for size in (6, 11, 21, longest) if length <= size <= longest), longest)


def _padded(histories: Sequence[NDArray[np.int64]], length: int) -> NDArray[np.int32]:
    padded = np.zeros((len(histories), length), np.int32)
    for row, history in enumerate(histories):
        padded[row, length - len(history) :] = history
    return padded
