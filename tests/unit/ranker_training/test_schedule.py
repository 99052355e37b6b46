from itertools import pairwise

import pytest

from services.ranker.training.examples.schedule import Schedule
from services.ranker.training.plan import TrainingPlan
from tests.support.training_shop import DAY, END, event_table, purchase, training_catalog


def schedule_of(days: float) -> Schedule:
    log = [("u:0", purchase(1, END - round(days * DAY))), ("u:0", purchase(2, END))]
    return Schedule.of(event_table(log, training_catalog()), TrainingPlan())


def test_fortnightly_cuts_count_back_from_the_end_of_the_log() -> None:
    schedule = schedule_of(180)
    assert schedule.validation_cuts == (END + 1 - 14 * DAY,)
    assert schedule.training_cuts[-1] == END + 1 - 28 * DAY
    assert len(schedule.training_cuts) == 9


@pytest.mark.parametrize("days", [0, 1e-6, 0.5, 3, 20, 400])
def test_no_label_of_training_reaches_into_the_validation(days: float) -> None:
    schedule = schedule_of(days)
    cuts = (*schedule.training_cuts, *schedule.validation_cuts)
    assert all(later - earlier >= schedule.window_millis for earlier, later in pairwise(cuts))


def test_a_short_log_has_all_its_cuts_inside() -> None:
    schedule = schedule_of(2)
    assert END - 2 * DAY < schedule.training_cuts[0] < schedule.validation_cuts[-1] < END
