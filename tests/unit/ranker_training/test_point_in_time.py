import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from services.common.progress import NoProgress
from services.features.definitions.observation import Observation
from services.ranker.inputs.candidate_features import candidate_features
from services.ranker.training.examples.example_builder import ExampleBuilder, ExampleSets
from services.ranker.training.examples.point_in_time import PointInTimeCheck
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.report import Check
from services.ranker.training.shop.catalog import TrainingCatalog
from services.ranker.training.shop.event_table import EventTable
from services.ranker.training.shop.replay import Replay
from tests.support.training_shop import DAY, END, ITEMS, event_table, habits, purchase, training_catalog
from vitrine.common.v1.attribute_pb2 import AttributeValue

CUT = END - 21 * DAY
CANDIDATES = np.arange(1, ITEMS + 1)


def features_at_cut(extra: list[tuple[str, Observation]], cut: int = CUT) -> np.ndarray:
    catalog = training_catalog()
    log = [*habits(), *extra]
    table = event_table(log, catalog)
    replay = Replay(table, catalog, {"u:0": {"region": AttributeValue(text="north")}})
    replay.advance(cut)
    user = replay.user(list(table.visitors).index("u:0"))
    return np.concatenate(
        [candidate_features(user, replay.items, CANDIDATES, cut).ravel(), user.event_millis, user.attributes]
    )


def test_events_from_the_cut_on_change_nothing_before_it() -> None:
    later = [("u:0", purchase(item, CUT + delay)) for item in (1, 2, 60) for delay in (0, 1, DAY)]
    of_others = [("u:9", purchase(item, CUT + 1)) for item in (1, 2, 60)]
    assert np.array_equal(features_at_cut([]), features_at_cut([*later, *of_others]))


def test_an_event_just_before_the_cut_does_change_it() -> None:
    assert not np.array_equal(features_at_cut([]), features_at_cut([("u:0", purchase(60, CUT - 1))]))


def test_stopping_on_the_way_makes_no_difference() -> None:
    catalog = training_catalog()
    table = event_table(habits(), catalog)
    straight, stepwise = Replay(table, catalog), Replay(table, training_catalog())
    for cut in (CUT - 30 * DAY, CUT - 3 * DAY, CUT):
        stepwise.advance(cut)
    straight.advance(CUT)
    for user in range(3):
        one = candidate_features(straight.user(user), straight.items, CANDIDATES, CUT)
        other = candidate_features(stepwise.user(user), stepwise.items, CANDIDATES, CUT)
        assert np.array_equal(one, other)


def _sets(extra: list[tuple[str, Observation]]) -> ExampleSets:
    catalog = training_catalog()
    table = event_table([*habits(), *extra], catalog)
    plan = TrainingPlan(training_cuts=4, validation_cuts=1)
    replay = Replay(table, catalog)
    builder = ExampleBuilder(table, replay, catalog.shown_item_nos(), plan, set(range(len(table.visitors))))
    return builder.build(*builder.moments(), NoProgress())


def test_what_happens_in_the_validation_does_not_reach_the_training_examples() -> None:
    last = END - DAY  # the log ends with it anyway: the cuts stay where they are
    clean, planted = _sets([]), _sets([("u:0", purchase(60, last - hour)) for hour in range(5)])
    for name in clean.training.inputs:
        assert np.array_equal(clean.training.inputs[name], planted.training.inputs[name]), name
    assert np.array_equal(clean.training.labels, planted.training.labels)


def test_two_runs_make_the_same_examples() -> None:
    one, other = _sets([]), _sets([])
    for field in dataclasses.fields(one):
        for name, array in getattr(one, field.name).inputs.items():
            assert np.array_equal(array, getattr(other, field.name).inputs[name]), name


class LookingReplay(Replay):
    """Knows at each cut what happens up to some time after it: the planted leak."""

    looks_ahead_millis = 0

    def advance(self, cut_millis: int) -> None:
        super().advance(cut_millis + self.looks_ahead_millis)


class KnowingStatisticsReplay(Replay):
    """Knows of each user what it may, and of each item what the whole log says."""

    def advance(self, cut_millis: int) -> None:
        super().advance(cut_millis)
        everything = Replay(self.table, training_catalog())
        everything.advance(END + DAY)
        self.catalog.items = everything.items


def checked(make: Callable[[EventTable, TrainingCatalog], Replay]) -> Check:
    catalog = training_catalog()
    table = event_table(habits(), catalog)
    plan = TrainingPlan(training_cuts=4, validation_cuts=1)
    builder = ExampleBuilder(
        table, make(table, catalog), catalog.shown_item_nos(), plan, set(range(len(table.visitors)))
    )
    builder.build(*builder.moments(), NoProgress())
    return builder.check.result()


def test_the_features_know_nothing_that_came_later() -> None:
    check = checked(Replay)
    assert check.passed, check
    assert "12 moments" in check.found


@pytest.mark.parametrize("ahead_millis", [2 * DAY, 7 * DAY])
def test_a_feature_that_looks_ahead_is_found(ahead_millis: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LookingReplay, "looks_ahead_millis", ahead_millis)
    check = checked(LookingReplay)
    assert not check.passed
    assert "counters.purchases" in check.found
    assert "decayed_7d" in check.found


def test_a_feature_that_looks_at_the_event_itself_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = training_catalog()
    table = event_table(habits(), catalog)
    place = len(table) - 1
    user, item_no, millis = int(table.users[place]), table.item_nos[place : place + 1], int(table.millis[place])
    monkeypatch.setattr(LookingReplay, "looks_ahead_millis", 1)
    for replay, passed in ((Replay(table, catalog), True), (LookingReplay(table, training_catalog()), False)):
        check = PointInTimeCheck(replay)
        replay.advance(millis)
        check.compare(user, millis, item_no)
        assert check.result().passed is passed, check.result()


def test_statistics_of_the_whole_log_are_found() -> None:
    check = checked(KnowingStatisticsReplay)
    assert not check.passed
    assert "buyer_counts" in check.found
    assert "counters" not in check.found
