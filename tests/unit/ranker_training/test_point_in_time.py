import dataclasses

import numpy as np

from services.common.progress import NoProgress
from services.features.definitions.observation import Observation
from services.ranker.inputs.candidate_features import candidate_features
from services.ranker.training.example_builder import ExampleBuilder, ExampleSets
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.replay import Replay
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
