from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.progress import Progress
from services.ranker.training.candidate_draw import CandidateDraw
from services.ranker.training.event_table import EventTable
from services.ranker.training.examples import Examples, ExampleWriter
from services.ranker.training.next_visit import NextVisits, Visit
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.point_in_time import PointInTimeCheck
from services.ranker.training.replay import Replay
from services.ranker.training.schedule import Schedule

COMPARED: Final = 6
"""Moments of training, and as many of validation, at which it is looked whether features know what came later."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A user's next visit after a cut."""

    user: int
    cut_millis: int
    visit: Visit


@dataclass(frozen=True, slots=True)
class ExampleSets:
    """What is trained on, and what decides."""

    training: Examples
    validation: Examples


class ExampleBuilder:
    """Makes the examples in one pass through the log: features as of each cut, labels from what came after it."""

    def __init__(
        self, table: EventTable, replay: Replay, shown_item_nos: NDArray[np.int64], plan: TrainingPlan, users: set[int]
    ) -> None:
        self.check = PointInTimeCheck(replay)
        self._replay = replay
        self._shown = shown_item_nos
        self._plan = plan
        self._users = sorted(users)
        self._visits = NextVisits(table)
        self.schedule = Schedule.of(table, plan)

    def moments(self) -> tuple[list[Moment], list[Moment]]:
        """Returns the moments to train and to validate on, by time: a random part where there are too many."""
        schedule, plan = self.schedule, self._plan
        training = [moment for cut in schedule.training_cuts for moment in self._after(cut)]
        validation = [moment for cut in schedule.validation_cuts for moment in self._after(cut)]
        return _some(training, plan.maximum_examples, plan.seed), _some(validation, plan.validation_examples, plan.seed)

    def build(self, training: list[Moment], validation: list[Moment], progress: Progress) -> ExampleSets:
        """Returns the examples of the moments."""
        plan, items = self._plan, self._replay.items
        length = plan.model.history_length
        learned = ExampleWriter(len(training), plan.draw.slots, length, items)
        judged = ExampleWriter(len(validation), plan.validation_slots, length, items)
        compared = [*_some(training, COMPARED, plan.seed), *_some(validation, COMPARED, plan.seed)]
        with progress.task("making examples", len(training) + len(validation)) as task:
            for number, cut in enumerate((*self.schedule.training_cuts, *self.schedule.validation_cuts)):
                self._replay.advance(cut)
                draw = CandidateDraw(items, self._shown, cut, plan.draw, plan.seed + number)
                for moment in (moment for moment in (*training, *validation) if moment.cut_millis == cut):
                    user = self._replay.user(moment.user)
                    if cut in self.schedule.validation_cuts:
                        item_nos = draw.ranking(user, plan.validation_slots, plan.validation_popular)
                        judged.add(user, cut, moment.visit, item_nos)
                    else:
                        positives = moment.visit.item_nos[draw.allowed(moment.visit.item_nos)]
                        drawn = draw.training(user, positives)
                        learned.add(user, cut, moment.visit, drawn.item_nos, drawn.offsets)
                    task.advance()
                for moment in (moment for moment in compared if moment.cut_millis == cut):
                    self.check.compare(moment.user, cut, moment.visit.item_nos)
        return ExampleSets(learned.finish(), judged.finish())

    def _after(self, cut_millis: int) -> list[Moment]:
        window = self.schedule.window_millis
        visits = ((user, self._visits.after(user, cut_millis, window)) for user in self._users)
        return [Moment(user, cut_millis, visit) for user, visit in visits if visit is not None]


def _some(moments: list[Moment], count: int, seed: int) -> list[Moment]:
    if len(moments) <= count:
        return moments
    places = np.random.default_rng(seed).choice(len(moments), count, replace=False)
    return [moments[place] for place in sorted(places.tolist())]
