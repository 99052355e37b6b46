"""Trains the behaviour model, with an eye on the validation."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.common.progress import Progress
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.tensors import encode_item_inputs
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.model.class_balance import balance
from services.ranker.model.losses import next_moments, ranking_loss, sampled_softmax_loss, visit_loss
from services.ranker.model.vocabulary import Vocabulary
from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.examples.examples import Examples
from services.ranker.training.fitting.batches import batches
from services.ranker.training.fitting.fit_course import FitCourse, FitState, PlainCourse
from services.ranker.training.fitting.negative_sampler import NegativeSampler
from services.ranker.training.fitting.ranking_metrics import RankingMetrics, ranking_metrics
from services.ranker.training.fitting.rowwise_adagrad import RowwiseAdagrad
from services.ranker.training.fitting.warm_start import Start
from services.ranker.training.plan import TrainingPlan

ACTION_VALUES: Final = np.array([1.0, 3.0, 4.0, 5.0], np.float32)
"""What each of ACTIONS is worth when a validation ranks by their sum: the ranker's own default weights."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A trained model, as it was at its best validation."""

    model: BehaviorModel
    judged: NDArray[np.float32]
    """Its probabilities of the validation's candidates, (E, N, actions)."""

    epochs: list[RankingMetrics]
    """The validation after each epoch."""

    losses: list[float]
    """The mean loss of each epoch."""


def fit_model(  # noqa: PLR0917  # one stage of the run, with what the stages before made
    past_item_nos: NDArray[np.int64],
    sets: ExampleSets,
    items: ItemColumns,
    plan: TrainingPlan,
    progress: Progress,
    course: FitCourse | None = None,
    start: Start | None = None,
) -> Fit:
    """Trains a model. `past_item_nos` are the items of all events before the validation: it knows those by number.

    Every epoch draws from seeds of its own, so that a fit that `course` resumes ends as one that was not broken off.
    Where `start` begins with what was learned before, it takes the plan's fewer epochs and its lower rate.
    """
    keras.utils.set_random_seed(plan.seed)
    course = course or PlainCourse()
    met = items.rows(np.unique(past_item_nos))
    vocabulary = Vocabulary.of(
        past_item_nos, items.category_nos[met], items.brand_nos[met], plan.model.minimum_item_events
    )
    model = BehaviorModel(plan.model, vocabulary, plan.seed)
    prepare(model, sets.training)
    if start and start.begin(model):
        plan = dataclasses.replace(plan, epochs=plan.warm_epochs, learning_rate=plan.warm_learning_rate)
    count = max(1, len(sets.training) // plan.batch_size)
    negatives = NegativeSampler(items, past_item_nos, plan.retrieval_negatives, plan.seed)
    trainer = Trainer(model, negatives, items, plan, plan.epochs * count)
    state = course.resume(trainer.variables) or FitState()
    with progress.task("training the model", plan.epochs * count) as task:
        task.advance(len(state.epochs) * count)
        while not state.finished(plan.epochs, plan.patience):
            epoch = len(state.epochs)
            order = np.random.default_rng((plan.seed, epoch)).permutation(len(sets.training))
            trainer.begin_epoch(epoch)
            for batch in batches(sets.training, order, count):
                trainer.step(batch)
                task.advance()
            judged = probabilities(model, sets.validation)
            metrics = ranking_metrics(sets.validation, values_of(judged))
            if state.is_better(metrics):
                state.best, state.best_weights, state.judged = epoch, model.get_weights(), judged
            state.epochs.append(metrics)
            state.losses.append(trainer.mean_loss())
            course.keep(trainer.variables, state)
        task.advance((plan.epochs - len(state.epochs)) * count)
    if state.judged is None:
        raise ValueError("a plan has one epoch or more")
    model.set_weights(state.best_weights)
    return Fit(model, state.judged, state.epochs, state.losses)


def prepare(model: BehaviorModel, examples: Examples) -> None:
    """Sets what the data says before training: the features' scale, the actions' priors, which actions occur."""
    features = examples.inputs["candidate_features"][examples.real]
    model.set_features(features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64))
    positives = examples.labels.sum(axis=(0, 1), dtype=np.float64)
    stood_for = np.exp(examples.offsets[examples.real], dtype=np.float64).sum()
    priors = np.clip((positives + 0.5) / (stood_for + 1.0), 1e-9, 0.5)
    model.set_actions((positives > 0).astype(np.float32), priors)


def values_of(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the value of each candidate, (E, N), from the probabilities of its actions, (E, N, actions)."""
    return probabilities @ ACTION_VALUES


def probabilities(model: BehaviorModel, examples: Examples, chunk: int = 64) -> NDArray[np.float32]:
    """Returns the model's probabilities, (E, N, actions)."""
    predict = tf.function(model.__call__, reduce_retracing=True)
    predicted = []
    for begin in range(0, len(examples), chunk):
        inputs = {name: tf.constant(array) for name, array in examples.rank_inputs(slice(begin, begin + chunk)).items()}
        predicted.append(predict(inputs).numpy())
    return np.concatenate(predicted)


class Trainer:
    """One optimiser step at a time, on both heads."""

    def __init__(
        self, model: BehaviorModel, negatives: NegativeSampler, items: ItemColumns, plan: TrainingPlan, steps: int
    ) -> None:
        self._model = model
        self._plan = plan
        self._items = items
        self._negatives = negatives
        self._log_rates = tf.constant(negatives.log_rates)
        self._optimizer = keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(plan.learning_rate, steps), clipnorm=1.0
        )
        table = model.tower.table
        self._dense = [variable for variable in model.trainable_variables if variable is not table]
        self._optimizer.build(self._dense)
        self._table = None if table is None else RowwiseAdagrad(table.value, plan.table_learning_rate)
        state = [self._table.accumulator] if self._table else []
        self.variables: Final = (*model.variables, *self._optimizer.variables, *state)
        self.begin_epoch(0)
        self._compiled = tf.function(self._step, reduce_retracing=True)

    def begin_epoch(self, epoch: int) -> None:
        """Draws from now on what belongs to this epoch."""
        self._random = np.random.default_rng((self._plan.seed, epoch, 1))
        self._negatives.begin_epoch(epoch)
        self._losses: list[Any] = []

    def mean_loss(self) -> float:
        """Returns the mean loss of the epoch's steps so far."""
        return float(np.mean([float(loss) for loss in self._losses]))

    def step(self, batch: dict[str, Any]) -> None:
        """Learns from one batch of examples."""
        negatives = encode_item_inputs(self._items, self._negatives.draw())
        tensors = batch | {f"negative_{name}": tf.constant(array) for name, array in negatives.items()}
        seed = tf.constant(self._random.integers(0, 2**31 - 1, 2), tf.int32)
        self._losses.append(self._compiled(tensors, seed))

    def _step(self, batch: dict[str, Any], seed: Any) -> Any:
        model, plan = self._model, self._plan
        with tf.GradientTape() as tape:
            events, states = model.encode_history(batch, training=True)
            logits = model.rank_logits(batch, events, states, training=True)
            told = batch["labels"], logits, batch["offsets"], batch["real"], model.learned
            counts, shift = balance(batch["labels"], plan.imbalance, plan.imbalance_factor, seed + 3)
            balanced = batch["labels"], logits + shift, batch["offsets"], batch["real"], model.learned, counts
            loss = plan.probability_weight * ranking_loss(*balanced) + visit_loss(*told, batch["weights"])
            loss += plan.retrieval_weight * self._retrieval_loss(batch, states, seed)
        table = [model.tower.table.value] if self._table else []
        gradients, of_table = tape.gradient(loss, (self._dense, table))
        pairs = zip(gradients, self._dense, strict=True)
        self._optimizer.apply_gradients([pair for pair in pairs if pair[0] is not None])
        if self._table:
            self._table.apply(of_table[0])
        return loss

    def _retrieval_loss(self, batch: dict[str, Any], states: Any, seed: Any) -> Any:
        """Finds the next item at places drawn from all histories, and at the cut one of what came next."""
        model = self._model
        following, follows = next_moments(batch["history_types"], batch["history_ages"], seed)
        draw = tf.random.stateless_uniform(tf.shape(follows), seed + 1)
        count = tf.minimum(self._plan.retrieval_places, tf.size(follows))
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
