from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.ranker.training.plan import TrainingPlan
from services.ranker.training.shop.event_table import EventTable

MILLIS_PER_DAY: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Schedule:
    """When examples are made, ascending. The labels of a cut lie before the next cut: none reaches into validation."""

    training_cuts: tuple[int, ...]
    validation_cuts: tuple[int, ...]
    window_millis: int

    @classmethod
    def of(cls, table: EventTable, plan: TrainingPlan) -> "Schedule":
        """Returns the cuts of a log that is not empty: counted back from its end, closer together if it's short."""
        begin, end = int(table.millis[0]), int(table.millis[-1]) + 1
        cuts = plan.training_cuts + plan.validation_cuts
        # One part more than there are cuts: the first cut has some past to make features from.
        step = max(1, min(round(plan.cut_days * MILLIS_PER_DAY), (end - begin) // (cuts + 1)))
        all_cuts = tuple(end - step * back for back in range(cuts, 0, -1))
        return cls(all_cuts[: plan.training_cuts], all_cuts[plan.training_cuts :], step)

    def with_kept(self, kept: Sequence[int]) -> "Schedule":
        """Returns the schedule with stored cuts in place of those close to them.

        The validation cuts and the newest training cut stay: they cover the new events.
        """
        cuts = [self.training_cuts[-1]]
        for _ in self.training_cuts[1:]:
            wanted = cuts[-1] - self.window_millis
            near = [cut for cut in kept if 2 * abs(cut - wanted) <= self.window_millis]
            cuts.append(min(near, key=lambda cut: (abs(cut - wanted), cut), default=wanted))
        return replace(self, training_cuts=tuple(reversed(cuts)))

    def newest(self, training_cuts: int) -> "Schedule":
        """Returns the schedule with its newest training cuts alone."""
        return replace(self, training_cuts=self.training_cuts[-training_cuts:])
