import sys
import time
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
    """The training and the validation set."""

    training: Examples
    validation: Examples


class ExampleBuilder:
    """Makes the examples: features as of each cut, labels from what came after it.

    Examples that a training set has are read from there; those of all other cuts are made and kept there. `newest`
    makes those for the linear scorer, `build` all of them, without making any of `newest` again.
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
        self._ready: dict[int, Examples] = {}
        """Examples of training cuts that `newest` made or read, by cut."""

        self._compared: set[Moment] = set()
        self._pace = Pace()
        schedule = schedule or Schedule.of(table, plan)
        self.kept: dict[str, KeptExamples] = {
            kind: training_set.part(kind, plan, schedule.window_millis, replay.items) if training_set else NothingKept()
            for kind in (TRAINING, VALIDATION)
        }
        self.schedule = schedule.with_kept(self.kept[TRAINING].cuts())
        self.made: list[int] = []
        """The cuts whose examples had to be made."""

    def missing(self) -> bool:
        """Returns whether the training set lacks any examples that are to be built."""
        return not (
            set(self.schedule.training_cuts) <= set(self.kept[TRAINING].cuts())
            and set(self.schedule.validation_cuts) <= set(self.kept[VALIDATION].cuts())
        )

    def validates(self) -> bool:
        """Returns whether there is anything to validate on."""
        return any(cut in self.kept[VALIDATION].cuts() or self._after(cut) for cut in self.schedule.validation_cuts)

    def moments(self) -> tuple[list[Moment], list[Moment]]:
        """Returns the moments to train and to validate on, by time, of the cuts of which there are no examples yet.

        If a cut has too many, it's a random part of them.
        """
        training, validation = {*self.kept[TRAINING].cuts(), *self._ready}, self.kept[VALIDATION].cuts()
        return (
            [moment for cut in self.schedule.training_cuts if cut not in training for moment in self._after(cut)],
            [moment for cut in self.schedule.validation_cuts if cut not in validation for moment in self._after(cut)],
        )

    def newest(self, count: int, progress: Progress) -> Examples:
        """Returns the examples of the newest training cuts: so many cuts that they have at least `count` examples, or
        all if there are fewer.
        """
        cuts: list[int] = []
        moments: list[Moment] = []
        found = 0
        for cut in reversed(self.schedule.training_cuts):
            if found >= count:
                break
            cuts.insert(0, cut)
            if (kept := self.kept[TRAINING].read(cut)) is not None:
                self._ready[cut] = kept
                found += len(kept)
            else:
                after = self._after(cut)
                moments += after
                found += len(after)
        self._compared = {*_some(moments, COMPARED, self._plan.seed)}
        writer = self._writer(TRAINING, found)
        with progress.task("making the newest examples", len(moments)) as task:
            for cut in cuts:
                begin = len(writer)
                self._add(writer, TRAINING, cut, moments, task)
                self._ready[cut] = writer.since(begin)
        return writer.finish()

    def limit(self, seconds: float) -> None:
        """Leaves out the oldest training cuts that can't be made within `seconds`, as far as the pace of those made so
        far tells. Cuts that there are examples of cost nothing.
        """
        there = {*self.kept[TRAINING].cuts(), *self._ready}
        affordable = self._pace.examples_within(seconds)
        affordable -= sum(len(self._after(cut)) for cut in self.schedule.validation_cuts)
        count = 0
        for cut in reversed(self.schedule.training_cuts):
            affordable -= 0 if cut in there else len(self._after(cut))
            if count and affordable < 0:
                break
            count += 1
        self.schedule = self.schedule.newest(count)

    def build(self, training: list[Moment], validation: list[Moment], progress: Progress) -> ExampleSets:
        """Returns the examples of the moments, and those that are there already."""
        plan = self._plan
        most = plan.examples_per_cut * len(self.schedule.training_cuts)
        learned = self._writer(TRAINING, max(most, sum(map(len, self._ready.values()))))
        judged = self._writer(VALIDATION, plan.validation_per_cut * len(self.schedule.validation_cuts))
        self._compared = {*_some(training, COMPARED, plan.seed), *_some(validation, COMPARED, plan.seed)}
        with progress.task("making examples", len(training) + len(validation)) as task:
            for cut in self.schedule.training_cuts:
                self._add(learned, TRAINING, cut, training, task)
            for cut in self.schedule.validation_cuts:
                self._add(judged, VALIDATION, cut, validation, task)
        self._ready.clear()
        return ExampleSets(learned.finish(), judged.finish())

    def needed(self) -> dict[Path, tuple[int, ...]]:
        """Returns what of a training set the next run may use: cuts by the folder they are in."""
        cuts = {TRAINING: self.schedule.training_cuts, VALIDATION: self.schedule.validation_cuts}
        return {part.folder: cuts[kind] for kind, part in self.kept.items() if isinstance(part, TrainingSetPart)}

    def _writer(self, kind: str, most: int) -> ExampleWriter:
        plan = self._plan
        slots = plan.draw.slots if kind == TRAINING else plan.validation_slots
        return ExampleWriter(most, slots, plan.model.history_length, self._replay.items)

    def _add(self, writer: ExampleWriter, kind: str, cut: int, moments: list[Moment], task: Task) -> None:
        """Adds the examples of a cut: those that are there, or made of the moments."""
        there = self._ready.get(cut) if kind == TRAINING else None
        there = there or self.kept[kind].read(cut)
        if there is not None:
            writer.extend(there)
            return
        mine = [moment for moment in moments if moment.cut_millis == cut]
        if cut in self.kept[kind].cuts():  # its files can't be read, so it isn't among the moments
            mine = self._after(cut)
        begin, started = len(writer), time.perf_counter()
        if cut < self._replay.now_millis:
            self._replay.restart()
        self._replay.advance(cut)
        replayed = time.perf_counter()
        self._make(writer, kind, cut, mine, task)
        self._pace.add(len(mine), replayed - started, time.perf_counter() - replayed)
        visitors = [self._replay.table.visitors[moment.user] for moment in mine]
        self.kept[kind].write(cut, writer.since(begin), visitors)
        self.made.append(cut)

    def _make(self, writer: ExampleWriter, kind: str, cut: int, moments: list[Moment], task: Task) -> None:
        plan = self._plan
        draw = CandidateDraw(self._replay.items, self._shown, cut, plan.draw, plan.seed)
        for moment in moments:
            user = self._replay.user(moment.user)
            if kind == VALIDATION:
                ranked = draw.ranking(user, plan.validation_slots, plan.validation_popular)
                writer.add(user, cut, moment.visit, ranked)
            else:
                positives = moment.visit.item_nos[draw.allowed(moment.visit.item_nos)]
                drawn = draw.training(user, positives, moment.visit.shown.item_nos)
                writer.add(user, cut, moment.visit, drawn.item_nos, drawn.offsets)
            if moment in self._compared:
                self.check.compare(moment.user, cut, moment.visit.item_nos)
            task.advance()

    def _after(self, cut_millis: int) -> list[Moment]:
        window, plan = self.schedule.window_millis, self._plan
        visits = ((user, self._visits.after(user, cut_millis, window)) for user in self._users)
        moments = [Moment(user, cut_millis, visit) for user, visit in visits if visit is not None]
        most = plan.examples_per_cut if cut_millis in self.schedule.training_cuts else plan.validation_per_cut
        return _some(moments, most, (plan.seed, cut_millis))


@dataclass(slots=True)
class Pace:
    """How long examples took so far."""

    examples: int = 0
    replay_seconds: float = 0.0
    """Of going through the log up to the newest cut."""

    make_seconds: float = 0.0

    def add(self, examples: int, replay_seconds: float, make_seconds: float) -> None:
        """Takes note of a cut's examples."""
        self.examples += examples
        self.replay_seconds += replay_seconds
        self.make_seconds += make_seconds

    def examples_within(self, seconds: float) -> int:
        """Returns how many more can be made in the time, the log being gone through once more."""
        if not self.examples or not self.make_seconds:
            return sys.maxsize
        return max(0, int((seconds - self.replay_seconds) * self.examples / self.make_seconds))


def _some(moments: list[Moment], count: int, seed: int | tuple[int, ...]) -> list[Moment]:
    if len(moments) <= count:
        return moments
    places = np.random.default_rng(seed).choice(len(moments), count, replace=False)
    return [moments[place] for place in sorted(places.tolist())]
