from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.common.progress import Progress, Task
from services.ranker.training.examples.candidate_draw import CandidateDraw
from services.ranker.training.examples.examples import Examples, ExampleWriter
from services.ranker.training.examples.next_visit import NextVisits, Visit
from services.ranker.training.examples.point_in_time import PointInTimeCheck
from services.ranker.training.examples.schedule import Schedule
from services.ranker.training.examples.training_set import (
    TRAINING,
    VALIDATION,
    KeptExamples,
    NothingKept,
    TrainingSet,
    TrainingSetPart,
)
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.shop.event_table import EventTable
from services.ranker.training.shop.replay import Replay

COMPARED: Final = 6
"""Moments of training, and as many of validation, at which it is looked whether features know what came later."""


@dataclass(frozen=True, slots=True, eq=False)
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
    """Makes the examples in one pass through the log: features as of each cut, labels from what came after it.

    Examples that a training set has are taken from there; those of all other cuts are made, and kept there.
    """

    def __init__(
        self,
        table: EventTable,
        replay: Replay,
        shown_item_nos: NDArray[np.int64],
        plan: TrainingPlan,
        users: set[int],
        *,
        training_set: TrainingSet | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        self.check = PointInTimeCheck(replay)
        self._replay = replay
        self._shown = shown_item_nos
        self._plan = plan
        self._users = sorted(users)
        self._visits = NextVisits(table)
        schedule = schedule or Schedule.of(table, plan)
        self.kept: dict[str, KeptExamples] = {
            kind: training_set.part(kind, plan, schedule.window_millis, replay.items) if training_set else NothingKept()
            for kind in (TRAINING, VALIDATION)
        }
        self.schedule = schedule.with_kept(self.kept[TRAINING].cuts())
        self.made: list[int] = []
        """The cuts whose examples `build` had to make."""

    def missing(self) -> bool:
        """Returns whether the training set lacks any examples that are to be built."""
        return not (
            set(self.schedule.training_cuts) <= set(self.kept[TRAINING].cuts())
            and set(self.schedule.validation_cuts) <= set(self.kept[VALIDATION].cuts())
        )

    def moments(self) -> tuple[list[Moment], list[Moment]]:
        """Returns the moments to train and to validate on, by time, of the cuts of which no examples are kept.

        Of each cut it is a random part where there are too many.
        """
        training, validation = self.kept[TRAINING].cuts(), self.kept[VALIDATION].cuts()
        return (
            [moment for cut in self.schedule.training_cuts if cut not in training for moment in self._after(cut)],
            [moment for cut in self.schedule.validation_cuts if cut not in validation for moment in self._after(cut)],
        )

    def build(self, training: list[Moment], validation: list[Moment], progress: Progress) -> ExampleSets:
        """Returns the examples of the moments, and those that are kept."""
        plan, length = self._plan, self._plan.model.history_length
        items = self._replay.items
        most_training = plan.examples_per_cut * plan.training_cuts
        most_validation = plan.validation_per_cut * plan.validation_cuts
        learned = ExampleWriter(most_training, plan.draw.slots, length, items)
        judged = ExampleWriter(most_validation, plan.validation_slots, length, items)
        self._compared = {*_some(training, COMPARED, plan.seed), *_some(validation, COMPARED, plan.seed)}
        with progress.task("making examples", len(training) + len(validation)) as task:
            for cut in self.schedule.training_cuts:
                learned.extend(self._examples(TRAINING, cut, training, task))
            for cut in self.schedule.validation_cuts:
                judged.extend(self._examples(VALIDATION, cut, validation, task))
        return ExampleSets(learned.finish(), judged.finish())

    def needed(self) -> dict[Path, tuple[int, ...]]:
        """Returns what of a training set the next run may use: cuts by the folder they are in."""
        cuts = {TRAINING: self.schedule.training_cuts, VALIDATION: self.schedule.validation_cuts}
        return {part.folder: cuts[kind] for kind, part in self.kept.items() if isinstance(part, TrainingSetPart)}

    def _examples(self, kind: str, cut: int, moments: list[Moment], task: Task) -> Examples:
        """Returns the examples of a cut: those that are kept, or made of the moments."""
        if (kept := self.kept[kind].read(cut)) is not None:
            return kept
        mine = [moment for moment in moments if moment.cut_millis == cut]
        if cut in self.kept[kind].cuts():  # they cannot be read, and so the moments do not have it
            mine = self._after(cut)
        self._replay.advance(cut)
        made = self._made(kind, cut, mine, task)
        self.kept[kind].write(cut, made, [self._replay.table.visitors[moment.user] for moment in mine])
        self.made.append(cut)
        return made

    def _made(self, kind: str, cut: int, moments: list[Moment], task: Task) -> Examples:
        plan, items = self._plan, self._replay.items
        slots = plan.draw.slots if kind == TRAINING else plan.validation_slots
        writer = ExampleWriter(len(moments), slots, plan.model.history_length, items)
        draw = CandidateDraw(items, self._shown, cut, plan.draw, plan.seed)
        for moment in moments:
            user = self._replay.user(moment.user)
            if kind == VALIDATION:
                writer.add(user, cut, moment.visit, draw.ranking(user, slots, plan.validation_popular))
            else:
                positives = moment.visit.item_nos[draw.allowed(moment.visit.item_nos)]
                drawn = draw.training(user, positives, moment.visit.shown.item_nos)
                writer.add(user, cut, moment.visit, drawn.item_nos, drawn.offsets)
            if moment in self._compared:
                self.check.compare(moment.user, cut, moment.visit.item_nos)
            task.advance()
        return writer.finish()

    def _after(self, cut_millis: int) -> list[Moment]:
        window, plan = self.schedule.window_millis, self._plan
        visits = ((user, self._visits.after(user, cut_millis, window)) for user in self._users)
        moments = [Moment(user, cut_millis, visit) for user, visit in visits if visit is not None]
        most = plan.examples_per_cut if cut_millis in self.schedule.training_cuts else plan.validation_per_cut
        return _some(moments, most, (plan.seed, cut_millis))


def _some(moments: list[Moment], count: int, seed: int | tuple[int, ...]) -> list[Moment]:
    if len(moments) <= count:
        return moments
    places = np.random.default_rng(seed).choice(len(moments), count, replace=False)
    return [moments[place] for place in sorted(places.tolist())]
