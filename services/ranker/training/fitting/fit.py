"""Trains the behavior model, with an eye on the validation."""

import dataclasses
from dataclasses import dataclass
from typing import Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.common.progress import Progress
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.model.behavior_model import BehaviorModel
from services.ranker.model.embeddings import Vocabulary
from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.examples.examples import Examples
from services.ranker.training.fitting.checkpointing import FitCheckpointing, FitState, NoCheckpointing
from services.ranker.training.fitting.epochs import Epochs, batch_count
from services.ranker.training.fitting.example_statistics import exposure_odds, mean_and_deviation, real_features
from services.ranker.training.fitting.negative_sampler import NegativeSampler
from services.ranker.training.fitting.ranking_metrics import RankingMetrics, ranking_metrics
from services.ranker.training.fitting.trainer import FitProgress, Trainer
from services.ranker.training.fitting.warm_start import Start
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.workers.team import Alone, Team

ACTION_VALUES: Final = np.array([1.0, 3.0, 4.0, 5.0], np.float32)
"""Value of each of ACTIONS when a validation ranks by their sum: the ranker's default weights."""

FINISHED: Final = -1
"""Broadcast to a team instead of the next epoch when there is none."""


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
    checkpointing: FitCheckpointing | None = None,
    start: Start | None = None,
    team: Team | None = None,
    ends: float | None = None,
) -> Fit:
    """Trains a model. `past_item_nos` are the items of all events before the validation: the vocabulary.

    Every epoch has its own seeds, so that a fit resumed by `checkpointing` ends as an uninterrupted one. If `start`
    sets trained weights, the plan's warm epochs and learning rate apply. The chief of a `team` calls it; the others
    call `run_worker`. If the plan isn't done when `time.monotonic()` reaches `ends`,
    the fit ends there, in the middle of an epoch if need be.
    """
    checkpointing, team = checkpointing or NoCheckpointing(), team or Alone()
    epochs = begin_fit(past_item_nos, sets.training, items, plan, team, start, ends)
    trainer, count = epochs.trainer, epochs.batch_count
    model, plan = trainer.model, trainer.plan
    state = checkpointing.resume(trainer.variables) or FitState()
    with progress.task("training the model", plan.epochs * count) as task:
        task.advance(len(state.epochs) * count)
        while not state.finished(plan.epochs, plan.patience) and not (state.epochs and trainer.finished):
            epoch = team.agreed(len(state.epochs))
            epochs.learn(epoch, task)
            judged = probabilities(model, sets.validation)
            metrics = ranking_metrics(sets.validation, values_of(judged))
            if state.is_better(metrics):
                state.best, state.best_weights, state.judged = epoch, model.get_weights(), judged
            state.epochs.append(metrics)
            state.losses.append(trainer.mean_loss())
            checkpointing.keep(trainer.variables, state)
        team.agreed(FINISHED)
        task.advance((plan.epochs - len(state.epochs)) * count)
    if state.judged is None:
        raise ValueError("a plan has one epoch or more")
    model.set_weights(state.best_weights)
    return Fit(model, state.judged, state.epochs, state.losses)


def begin_fit(  # noqa: PLR0917  # as of `fit_model`
    past_item_nos: NDArray[np.int64],
    training: Examples,
    items: ItemColumns,
    plan: TrainingPlan,
    team: Team,
    start: Start | None = None,
    ends: float | None = None,
) -> Epochs:
    """Returns the fit of a new model. Each of several workers calls it; if the chief's `start` sets trained weights,
    all use the warm plan.
    """
    keras.utils.set_random_seed(plan.seed)
    met = items.rows(np.unique(past_item_nos))
    vocabulary = Vocabulary.of(
        past_item_nos, items.category_nos[met], items.brand_nos[met], plan.model.minimum_item_events
    )
    model = BehaviorModel(plan.model, vocabulary, plan.seed)
    prepare(model, training)
    if team.agreed(int(start is not None and start.begin(model))):
        plan = dataclasses.replace(plan, epochs=plan.warm_epochs, learning_rate=plan.warm_learning_rate)
    negatives = NegativeSampler(items, past_item_nos, plan.retrieval_negatives, plan.seed)
    progress = FitProgress(plan.epochs * batch_count(training, plan.batch_size), ends)
    return Epochs(Trainer(model, negatives, items, plan, progress, team), training, team)


def prepare(model: BehaviorModel, examples: Examples) -> None:
    """Initializes the model from the data: the features' scale, the actions' priors, which actions occur, and the
    effect of exposure.
    """
    model.set_features(*mean_and_deviation(real_features(examples)))
    positives = examples.labels.sum(axis=(0, 1), dtype=np.float64)
    stood_for = np.exp(examples.offsets[examples.real], dtype=np.float64).sum()
    priors = np.clip((positives + 0.5) / (stood_for + 1.0), 1e-9, 0.5)
    model.set_actions((positives > 0).astype(np.float32), priors)
    model.exposure.start_at(exposure_odds(examples, priors))


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
